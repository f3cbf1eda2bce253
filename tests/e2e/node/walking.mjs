// What the walks of all clients share: what they are told, the fields they ask for, and what they tell the test.
import { setTimeout } from "node:timers/promises";

const [url, range, first] = process.argv.slice(2);
export const endpoint = `${url}/graphql`;
export const variables = { filter: { during: JSON.parse(range) }, first: Number(first) };

export const CONNECTION = `
  edges { cursor node { __typename id sourceName vendorId title startedAt room { __typename id name } } }
  pageInfo { hasNextPage endCursor }
  complete
  sources { source { name } status }
`;

const complaints = [];
for (const level of ["warn", "error"]) console[level] = (...words) => complaints.push(words.join(" "));

/** Notes each page of a walk, and how the list looks that the client has made of all pages so far. */
export class Notes {
  pages = [];

  note({ edges, complete, sources }) {
    const failed = sources.filter((it) => it.status === "FAILED").map((it) => it.source.name);
    this.rows = edges.map(({ node }) => [node.sourceName, node.vendorId]);
    this.ids = edges.map(({ node }) => node.id);
    this.pages.push({ complete, failed, rows: edges.length });
  }

  /** While a source is down a page may bring nothing: give it time. */
  async rest() {
    const [before, now] = this.pages.slice(-2);
    if (now && !now.complete && before.rows === now.rows) await setTimeout(100);
  }

  tell(more = {}) {
    process.stdout.write(JSON.stringify({ pages: this.pages, rows: this.rows, ids: this.ids, complaints, ...more }));
  }
}
