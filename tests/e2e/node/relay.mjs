// Relay compiles against the schema that is served, and walks the conferences of a range with a pagination fragment.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildClientSchema, getIntrospectionQuery, printSchema } from "graphql";
import { Suspense, act, createElement } from "react";
import relay from "react-relay";
import { create } from "react-test-renderer";
import { Environment, Network, RecordSource, Store } from "relay-runtime";

import { Notes, endpoint, variables } from "./walking.mjs";

const { RelayEnvironmentProvider, useLazyLoadQuery, usePaginationFragment } = relay;
const require = createRequire(import.meta.url);

async function ask(query, variables) {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return reply.json();
}

/** Let relay-compiler read this very file, in a folder of its own; gives where it writes. */
async function compile(folder) {
  const { data } = await ask(getIntrospectionQuery());
  writeFileSync(join(folder, "schema.graphql"), printSchema(buildClientSchema(data)));
  mkdirSync(join(folder, "src"));
  copyFileSync(fileURLToPath(import.meta.url), join(folder, "src", "Walk.js"));
  const config = { src: "./src", schema: "./schema.graphql", language: "javascript", eagerEsModules: false };
  writeFileSync(join(folder, "relay.config.json"), JSON.stringify(config));
  const run = spawnSync(require("relay-compiler"), ["relay.config.json"], { cwd: folder, encoding: "utf8" });
  if (run.status !== 0) throw new Error(run.stdout + run.stderr);
  return join(folder, "src", "__generated__");
}

const folder = mkdtempSync(join(tmpdir(), "relay-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
const generated = await compile(folder);
/** What Relay's Babel plugin puts in a document's place: what was compiled of it. */
const graphql = ([text]) => require(join(generated, `${/(?:query|fragment) (\w+)/.exec(text)[1]}.graphql.js`));

const QUERY = graphql`
  query WalkQuery($filter: ConferenceFilter, $first: Int!) {
    ...Walk_query @arguments(filter: $filter, first: $first)
  }
`;
const FRAGMENT = graphql`
  fragment Walk_query on Query
  @refetchable(queryName: "WalkPageQuery")
  @argumentDefinitions(filter: { type: "ConferenceFilter" }, first: { type: "Int!" }, after: { type: "String" }) {
    conferences(filter: $filter, first: $first, after: $after) @connection(key: "Walk_conferences") {
      edges {
        cursor
        node { id sourceName vendorId title startedAt room { id name } vendorFields { __typename } }
      }
      complete
      sources { source { name } status }
    }
  }
`;
const AGAIN = graphql`
  query WalkAgainQuery($id: ID!) { node(id: $id) { __typename id ... on Conference { vendorId } } }
`;

let list;
function Walk() {
  list = usePaginationFragment(FRAGMENT, useLazyLoadQuery(QUERY, variables));
  return null;
}

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const environment = new Environment({
  network: Network.create(({ text }, variables) => ask(text, variables)),
  store: new Store(new RecordSource(), { gcReleaseBufferSize: 100 }),
});
const tree = createElement(RelayEnvironmentProvider, { environment }, createElement(Suspense, null, createElement(Walk)));
await act(async () => {
  create(tree);
});
while (!list) await act(() => setTimeout(5));

const notes = new Notes();
notes.note(list.data.conferences);
while (list.hasNext) {
  await notes.rest();
  await act(() => new Promise((done, fail) => list.loadNext(variables.first, { onComplete: (e) => (e ? fail(e) : done()) })));
  notes.note(list.data.conferences);
}
const { node } = await relay.fetchQuery(environment, AGAIN, { id: notes.ids[0] }).toPromise();
notes.tell({ node });
