import { defineConfig } from '@graphql-hive/gateway';

export const gatewayConfig = defineConfig({
  supergraph: 'supergraph.graphql',
  propagateHeaders: {
    // Here are the headers of HTTP clients, and what the others say in connection_init, spelt as they do.
    fromClientToSubgraphs: ({ context: { headers }, subgraphName }) => ({
      authorization: headers.authorization ?? headers.Authorization,
      'x-confgraph-gateway': subgraphName === 'confgraph' ? process.env.GATEWAY_SECRET : undefined,
    }),
  },
  transportEntries: {
    confgraph: {
      options: {
        subscriptions: {
          kind: 'ws',
          location: '/graphql',
          options: {
            // One of the two is there, the other empty.
            connectionParams: { Authorization: '{context.headers.authorization}{context.headers.Authorization}' },
          },
        },
      },
    },
  },
});
