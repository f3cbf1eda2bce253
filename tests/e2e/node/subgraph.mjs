// A subgraph of somebody else: `subgraph.mjs FILE.graphql`. PUT / gives it data, GET / tells and forgets what it was
// asked, POST / asks.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';

let data = {};
let asked = [];

const same = (one, other, ...keys) => keys.every((key) => one[key] === other[key]);
const reviewsOf = (conference) => data.reviews.filter((it) => it.conferenceId === conference.id);

const RESOLVERS = {
  feedback: {
    Query: {
      reviews: (_, { first }) => ({ nodes: data.reviews.slice(0, first), pageInfo: { hasNextPage: false, hasPreviousPage: false } }),
      node: (_, { id }) => data.reviews.find((it) => it.id === id),
    },
    Node: { __resolveType: () => 'Review' },
    Review: { conference: ({ conferenceId }) => ({ id: conferenceId }) },
    Conference: {
      reviews: reviewsOf,
      satisfaction: (conference) => reviewsOf(conference)[0]?.stars,
    },
    Call: { complaint: (call) => data.complaints[call.id] },
  },
  facilities: {
    Query: {
      bookings: (_, { first }) => data.bookings.slice(0, first),
      places: (_, { first }) => data.places.slice(0, first),
    },
    Booking: { conference: ({ sourceName, vendorId }) => ({ sourceName, vendorId }) },
    Conference: { booking: (it) => data.bookings.find((one) => same(one, it, 'sourceName', 'vendorId')) },
    Place: {
      room: (place) => (place.kind === 'Room' ? place : null),
      mcu: (place) => (place.kind === 'McuResource' ? place : null),
    },
    Room: { location: (it) => data.places.find((one) => same(one, it, 'sourceName', 'name'))?.location },
    McuResource: { rack: (it) => data.places.find((one) => same(one, it, 'sourceName', 'name'))?.location },
  },
};

const name = process.argv[2];
const typeDefs = parse(readFileSync(new URL(`${name}.graphql`, import.meta.url), 'utf8'));
const schema = buildSubgraphSchema({ typeDefs, resolvers: RESOLVERS[name] });

async function answer(method, body) {
  if (method === 'PUT') {
    data = JSON.parse(body);
    return data;
  }
  if (method === 'GET') return asked.splice(0);
  const { query, variables, operationName } = JSON.parse(body);
  asked.push({ query, variables });
  return graphql({ schema, source: query, variableValues: variables, operationName });
}

const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(await answer(request.method, body)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
