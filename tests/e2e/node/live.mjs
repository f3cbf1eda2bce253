// Subscribes to what goes on and prints each event as a line of JSON, until there were so many.
// Arguments: which client, the endpoint, how many events, the credential.
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import WebSocket from "ws";

const [kind, url, count, credential] = process.argv.slice(2);
const query = "subscription Live { liveConferences { kind conference { id } } }";
const headers = { Authorization: `Bearer ${credential}` };

function webSocket() {
  return createWsClient({
    url: url.replace("http", "ws"),
    webSocketImpl: WebSocket,
    connectionParams: headers,
    retryAttempts: 20,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 200)),
  });
}

function stream() {
  return createSseClient({
    url,
    headers,
    retryAttempts: 20,
    retry: () => new Promise((resolve) => setTimeout(resolve, 200)),
  });
}

// Both clients subscribe alike, and urql may use either.
function urql(client) {
  const forwardSubscription = (request) => ({
    subscribe: (sink) => ({ unsubscribe: client.subscribe({ ...request, query: request.query ?? "" }, sink) }),
  });
  return new Client({ url, exchanges: [subscriptionExchange({ forwardSubscription })] });
}

function urqlAlone() {
  return new Client({ url, exchanges: [fetchExchange], fetchSubscriptions: true, fetchOptions: { headers } });
}

const subscribers = {
  "graphql-ws": (sink) => webSocket().subscribe({ query }, sink),
  "graphql-sse": (sink) => stream().subscribe({ query }, sink),
  "urql over graphql-ws": (sink) => follow(urql(webSocket()), sink),
  "urql over graphql-sse": (sink) => follow(urql(stream()), sink),
  "urql alone": (sink) => follow(urqlAlone(), sink),
};

function follow(client, sink) {
  client.subscription(gql(query), {}).subscribe((result) => (result.error ? sink.error(result.error) : sink.next(result)));
}

let left = Number(count);
subscribers[kind]({
  next({ data, errors }) {
    if (errors) throw new Error(JSON.stringify(errors));
    console.log(JSON.stringify(data.liveConferences));
    left -= 1;
    if (left === 0) process.exit(0);
  },
  error(error) {
    console.error("error", error);
    process.exit(1);
  },
  complete() {
    console.error("complete");
    process.exit(1);
  },
});
