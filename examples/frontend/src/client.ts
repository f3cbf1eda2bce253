import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { createClient } from "graphql-ws";

/**
 * Connects again by itself after a break, however long it is: graphql-ws alone gives up once a connection is refused,
 * and after five attempts. Each subscription then begins anew.
 */
export const socket = createClient({
  url: `${location.origin.replace("http", "ws")}/graphql`,
  shouldRetry: () => true,
  retryAttempts: Infinity,
  retryWait: (retries) => new Promise((resolve) => setTimeout(resolve, jittered(Math.min(1000 * 2 ** retries, 15_000)))),
});

/** From half of it to all: not every browser comes back at the same moment. */
const jittered = (ms: number) => ms * (0.5 + Math.random() / 2);

export const client = new ApolloClient({
  // Subscriptions go through a WebSocket, everything else by POST.
  link: ApolloLink.split(
    ({ operationType }) => operationType === "subscription",
    new GraphQLWsLink(socket),
    new HttpLink({ uri: "/graphql" }),
  ),
  cache: new InMemoryCache({
    typePolicies: {
      Query: { fields: { conferences: relayStylePagination(["filter"]) } }, // one list per filter, whatever its pages
      Source: { keyFields: ["name"] },
    },
  }),
});
