// Apollo Client names a document by its hash, and sends it only where it is told to.
import { createHash } from "node:crypto";
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

const [url, useGet] = process.argv.slice(2);
const sent = [];
/** Notes what each request has of a document: its name, its text. */
async function noting(address, options) {
  const parts = options.body ? JSON.parse(options.body) : Object.fromEntries(new URL(address).searchParams);
  const extensions = typeof parts.extensions === "string" ? JSON.parse(parts.extensions) : parts.extensions;
  const reply = await fetch(address, options);
  sent.push({
    method: options.method,
    has: [...(extensions?.persistedQuery ? ["name"] : []), ...(parts.query ? ["text"] : [])],
    status: reply.status,
    cached: reply.headers.get("cache-control"),
  });
  return reply;
}

const named = new PersistedQueryLink({
  sha256: (text) => createHash("sha256").update(text).digest("hex"),
  useGETForHashedQueries: useGet === "GET",
});
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.from([named, new HttpLink({ uri: `${url}/graphql`, fetch: noting })]),
});
const answers = [];
for (const text of ["query Names { sources { name } }", "query Names { sources { name } }", "query Vendors { sources { vendor } }"]) {
  const { data } = await client.query({ query: gql(text), fetchPolicy: "network-only" });
  answers.push(data.sources.length);
}
client.stop();
process.stdout.write(JSON.stringify({ sent, answers }));
