// @graphql-hive/gateway over a supergraph: `hive-gateway.mjs FILE`. It is set up as the README shows; only where it
// listens and what it tells of errors is the tests' own.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime, getGraphQLWSOptions } from '@graphql-hive/gateway';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

import { gatewayConfig } from './gateway.config.mjs';

const gateway = createGatewayRuntime({
  ...gatewayConfig,
  supergraph: readFileSync(process.argv[2], 'utf8'),
  logging: 'error',
  maskedErrors: false,
});
process.on('SIGTERM', () => process.exit(0)); // its own handler waits for what never ends
await gateway.getSchema(); // sockets do not wait for it
const server = createServer(gateway);
useServer(
  getGraphQLWSOptions(gateway, ({ extra: { request, socket } }) => ({
    req: request,
    socket,
    request: new gateway.fetchAPI.Request(`http://127.0.0.1${request.url}`, { headers: request.headers }),
  })),
  new WebSocketServer({ path: gateway.graphqlEndpoint, server }),
);
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
