// Apollo Server 5 with @apollo/subgraph; CACHE=1 turns its response cache on.
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControl } from '@apollo/server/plugin/cacheControl';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import responseCache from '@apollo/server-plugin-response-cache';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse } from 'graphql';
import { postByFetch, typeDefs } from './clients.mjs';
import { createVendors } from './vendors.mjs';

const vendors = createVendors(postByFetch);
const entity = 'extend type Conference @key(fields: "id") @key(fields: "sourceName vendorId") { _: Boolean }';
const resolvers = {
  Query: { conferences: (_, args) => vendors.conferences(args) },
  Conference: {
    members: vendors.members,
    __resolveReference: (reference, { look }) => look(reference),
  },
};
const caching = process.env.CACHE ? [ApolloServerPluginCacheControl({ defaultMaxAge: 3600 }), responseCache()] : [];
const server = new ApolloServer({
  schema: buildSubgraphSchema([{ typeDefs: parse(`${typeDefs}\n${entity}`), resolvers }]),
  plugins: [ApolloServerPluginInlineTraceDisabled(), ...caching],
});
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: '127.0.0.1' },
  context: async () => ({ look: vendors.createLookup() }),
});
console.log(`listening on ${url.replace(/\/$/, '').replace('localhost', '127.0.0.1')}`);
