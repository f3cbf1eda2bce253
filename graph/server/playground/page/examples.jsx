// The examples: each file is a query that begins with its title and what it shows, as comments. Variables stand beside.
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { parse } from "graphql";

const queries = import.meta.glob("./examples/*.graphql", { query: "?raw", import: "default", eager: true });
const variables = import.meta.glob("./examples/*.json", { query: "?raw", import: "default", eager: true });

// "{now-7d}" is the instant a week ago, "{today-7d}" that day: the sandbox's conferences lie in the last 60 days.
function dated(text) {
  return text.replace(/\{(now|today)(?:-(\d+)d)?\}/g, (_, what, days = 0) => {
    const instant = new Date(Date.now() - days * 86_400_000).toISOString();
    return what === "now" ? `${instant.slice(0, 19)}Z` : instant.slice(0, 10);
  });
}

export const EXAMPLES = Object.entries(queries).map(([path, text]) => {
  const [head, query] = text.trim().split(/\n\n(.*)/s);
  const [title, ...said] = head.split("\n").map((line) => line.replace(/^# /, ""));
  const beside = variables[path.replace(/graphql$/, "json")] ?? "";
  return { title, said: said.join(" "), tab: () => ({ query, variables: dated(beside.trim()) }) };
});

/** Whether there is no room for examples beside the editors: they lie over them (main.css). */
export const isNarrow = () => matchMedia("(max-width: 900px)").matches;

const isUntouched = (query) => !query?.trim() || EXAMPLES.some((example) => example.tab().query === query.trim());

function Examples() {
  const { addTab, changeTab, setOperationFacts, setVisiblePlugin, stop } = useGraphiQLActions();
  const { tabs, activeTabIndex, ...editors } = useGraphiQL(
    pick("tabs", "activeTabIndex", "queryEditor", "variableEditor", "headerEditor", "responseEditor"),
  );

  // Take the tab that is shown where nothing was written into it, or else another such, or else a new one.
  const takeTab = () => {
    if (isUntouched(editors.queryEditor?.getValue())) return;
    const free = tabs.findIndex((tab, index) => index !== activeTabIndex && isUntouched(tab.query));
    if (free < 0) addTab();
    else changeTab(free);
  };
  const open = (example) => {
    const tab = example.tab();
    const headers = editors.headerEditor?.getValue() ?? ""; // a key that was entered serves the next tab too
    stop(); // a subscription of the tab before would tell its events in this one
    takeTab();
    editors.queryEditor?.setValue(tab.query);
    editors.variableEditor?.setValue(tab.variables);
    editors.headerEditor?.setValue(headers);
    editors.responseEditor?.setValue("");
    // The editor finds these out too, but only after a while, in which the operation before would be run.
    const documentAST = parse(tab.query);
    const operations = [...documentAST.definitions];
    setOperationFacts({ documentAST, operations, operationName: operations[0].name.value });
    if (isNarrow()) setVisiblePlugin(null);
  };
  return (
    <section className="examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => open(example)}>
              {example.title}
              <small>{example.said}</small>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const Icon = () => (
  <svg viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <path d="M4 5h16M4 12h10M4 19h7M17 15l4 3-4 3z" />
  </svg>
);

export const EXAMPLES_PLUGIN = { title: "Examples", icon: Icon, content: Examples };
