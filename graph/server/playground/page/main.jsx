// The playground: GraphiQL over the address that served it, with examples.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./main.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { useCallback, useState } from "react";
import { createRoot } from "react-dom/client";

import { EXAMPLES, EXAMPLES_PLUGIN, isNarrow } from "./examples.jsx";
import { storage } from "./storage.js";
import { Upkeep } from "./upkeep.jsx";

const PLUGINS = [EXAMPLES_PLUGIN, HISTORY_PLUGIN];
const SHOWN = isNarrow() ? undefined : EXAMPLES_PLUGIN;

const here = new URL(location.pathname, location.origin);
const sockets = Object.assign(new URL(here), { protocol: here.protocol === "https:" ? "wss:" : "ws:" });

// What is entered as headers, such as Authorization, goes along with queries, and into the first message of sockets.
const fetcher = createGraphiQLFetcher({
  url: here.href,
  subscriptionUrl: sockets.href,
  enableIncrementalDelivery: false,
});

const root = document.getElementById("playground");

function Playground() {
  // Where only known callers are answered, the schema is not asked for before there are headers (null): it would fail.
  const [schema, setSchema] = useState("needsKey" in root.dataset ? null : undefined);
  const askForSchema = useCallback(() => setSchema(undefined), []);
  // Headers hold keys and tokens: they are kept nowhere, so that they are gone with the page.
  return (
    <GraphiQL
      fetcher={fetcher}
      schema={schema}
      plugins={PLUGINS}
      visiblePlugin={SHOWN}
      defaultTabs={[EXAMPLES[0].tab()]}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
      storage={storage}
    >
      <GraphiQL.Logo>confgraph</GraphiQL.Logo>
      <Upkeep onHeaders={askForSchema} />
    </GraphiQL>
  );
}

createRoot(root).render(<Playground />);
