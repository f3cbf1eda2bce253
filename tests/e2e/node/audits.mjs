// Runs every audit of graphql-http against a server and prints one line of JSON each: {id, name, status, reason}.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
for (const { id, name, status, reason } of await auditServer({ url })) {
  console.log(JSON.stringify({ id, name, status, reason }));
}
