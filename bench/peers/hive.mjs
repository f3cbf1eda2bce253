// Hive Gateway over HexMeet, by its JSON-schema handler: the vendor's own shape, passed on unsorted and uncut.
// CACHE=1 turns its response cache on.
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway';
import InMemoryLRUCache from '@graphql-mesh/cache-inmemory-lru';
import { defineConfig, getComposedSchemaFromConfig } from '@graphql-mesh/compose-cli';
import { loadJSONSchemaSubgraph } from '@omnigraph/json-schema';
import { VENDOR_URL } from './clients.mjs';

const requestSample = {
  agent_id: 1, company_id: 1, dept_id: 1, guid: '', token: '', time_zone: '', start_time: '', end_time: '', size: 1,
};
const row = {
  conf_guid: '', conf_number: '', conf_name: '', startTime: 'x', endTime: 'x', duration: 1, max_party_count: 1,
  error_code: 1, error_info: '', host: '', agent_id: 1, agent: '', company_id: 1, company: '', department_id: 1,
  department: '', room_name: '', capacity: 1, type: 1,
};
const conferences = {
  type: 'Query',
  field: 'conferences',
  method: 'POST',
  path: '/report/agg/term_conf_stats?domainId=null',
  requestSample,
  requestTypeName: 'Asked',
  responseSample: { total: 1, count: 1, scrollid: '', buckets: [row] },
  responseTypeName: 'Page',
};
const composeConfig = defineConfig({
  subgraphs: [{ sourceHandler: loadJSONSchemaSubgraph('HexMeet', { endpoint: VENDOR_URL, operations: [conferences] }) }],
});
const silent = { log() {}, debug() {}, info() {}, warn: console.warn, error: console.error, child: () => silent };
const supergraph = await getComposedSchemaFromConfig(composeConfig, silent);
const gateway = createGatewayRuntime({
  supergraph,
  logging: 'error',
  ...(process.env.CACHE && { cache: new InMemoryLRUCache(), responseCaching: { session: () => null, ttl: 3600000 } }),
});
const server = createServer(gateway);
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
