// urql walks the conferences of a range; Graphcache makes one list of the pages.
import { Client, fetchExchange, gql } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";

import { CONNECTION, Notes, endpoint, variables } from "./walking.mjs";

const cache = cacheExchange({
  keys: { ConferenceConnection: () => null, ConferenceEdge: () => null, SourceResult: () => null, Source: ({ name }) => name },
  resolvers: { Query: { conferences: relayPagination() } },
});
const client = new Client({ url: endpoint, preferGetMethod: false, exchanges: [cache, fetchExchange] });
const query = gql`query Walk($filter: ConferenceFilter, $first: Int, $after: String) {
  conferences(filter: $filter, first: $first, after: $after) { ${CONNECTION} }
}`;

const notes = new Notes();
let after = null;
for (;;) {
  const { data, error } = await client.query(query, { ...variables, after }, { requestPolicy: "network-only" });
  if (error) throw error;
  notes.note(data.conferences);
  const { hasNextPage, endCursor } = data.conferences.pageInfo;
  if (!hasNextPage) break;
  await notes.rest();
  after = endCursor;
}
notes.tell();
