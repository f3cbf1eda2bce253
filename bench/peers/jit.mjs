// graphql-jit, which encodes by fast-json-stringify, on Node's own HTTP server: no framework at all.
import { createServer } from 'node:http';
import { buildSchema, parse, validate } from 'graphql';
import { compileQuery } from 'graphql-jit';
import { typeDefs } from './clients.mjs';
import { createUndiciPost } from './pool.mjs';
import { createVendors } from './vendors.mjs';

const vendors = createVendors(createUndiciPost());
// Its serializer knows no scalars but GraphQL's own.
const schema = buildSchema(typeDefs.replace('scalar DateTime', '').replaceAll('DateTime', 'String'));
schema.getQueryType().getFields().conferences.resolve = (_, args) => vendors.conferences(args);
schema.getType('Conference').getFields().members.resolve = vendors.members;

const compiled = new Map();

function compile(query) {
  let found = compiled.get(query);
  if (!found) {
    const document = parse(query);
    const errors = validate(schema, document);
    found = errors.length ? { errors } : compileQuery(schema, document, null, { customJSONSerializer: true });
    compiled.set(query, found);
  }
  return found;
}

async function answer(body) {
  const { query, variables } = JSON.parse(body);
  const operation = compile(query);
  if (!operation.query) return JSON.stringify({ errors: operation.errors });
  return operation.stringify(await operation.query(null, {}, variables));
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    const text = await answer(Buffer.concat(chunks).toString());
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
