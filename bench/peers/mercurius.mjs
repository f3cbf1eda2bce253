// mercurius with graphql-jit, and undici towards the vendors; CACHE=1 turns mercurius-cache on.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import cache from 'mercurius-cache';
import { typeDefs } from './clients.mjs';
import { createUndiciPost } from './pool.mjs';
import { createVendors } from './vendors.mjs';

const vendors = createVendors(createUndiciPost());
const resolvers = {
  Query: { conferences: (_, args) => vendors.conferences(args) },
  Conference: { members: vendors.members },
};
const app = Fastify();
await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
if (process.env.CACHE) await app.register(cache, { ttl: 3600, all: true });
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
