// Apollo Client walks the conferences of a range, then fetches them anew.
import { setTimeout } from "node:timers/promises";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { relayStylePagination } from "@apollo/client/utilities";

import { CONNECTION, Notes, endpoint, variables } from "./walking.mjs";

const cache = new InMemoryCache({
  typePolicies: { Query: { fields: { conferences: relayStylePagination(["filter", "orderBy"]) } } },
});
const client = new ApolloClient({ cache, link: new HttpLink({ uri: endpoint }) });
const query = gql`query Walk($filter: ConferenceFilter, $first: Int, $after: String) {
  conferences(filter: $filter, first: $first, after: $after) { ${CONNECTION} }
}`;
const list = client.watchQuery({ query, variables, fetchPolicy: "network-only" });
list.subscribe({});

const shown = () => list.getCurrentResult().data.conferences;
/** Fetch the next page, so often at the same time; the list shows it a moment later. */
async function more(times = 1) {
  const after = shown().pageInfo.endCursor;
  await Promise.all(Array.from({ length: times }, () => list.fetchMore({ variables: { after } })));
  do await setTimeout(5);
  while (list.getCurrentResult().loading);
}

async function walk() {
  const notes = new Notes();
  notes.note(shown());
  while (shown().pageInfo.hasNextPage) {
    await notes.rest();
    await more();
    notes.note(shown());
  }
  return notes;
}

await list.refetch();
const notes = await walk();
const entities = Object.keys(cache.extract()).filter((key) => key.startsWith("Conference:"));

// From the start again: the first page takes the place of all, and two readers who want the next one at once get it once.
await list.refetch();
const again = new Notes();
again.note(shown());
await more(2);
again.note(shown());
const rest = await walk();

client.stop();
notes.tell({ entities: entities.length, again: again.pages.map((page) => page.rows), anew: rest.rows });
