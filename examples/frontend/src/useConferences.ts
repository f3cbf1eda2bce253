import { NetworkStatus } from "@apollo/client";
import { useQuery } from "@apollo/client/react";
import { useMemo, useState } from "react";

import { client } from "./client";
import { sortTime } from "./format";
import { CONFERENCES, type Filter } from "./queries";

const PAGE = 40;

/** Read the first page of a filter into the cache, so that its list is there at once; fails where it cannot be read. */
export async function readAhead(filter: Filter) {
  await client.query({ query: CONFERENCES, variables: { filter, first: PAGE } });
}

/** The conferences of a filter, read page by page. */
export function useConferences(filter: Filter) {
  const { data, error, networkStatus, fetchMore, refetch } = useQuery(CONFERENCES, {
    variables: { filter, first: PAGE },
    notifyOnNetworkStatusChange: true,
  });
  const [stuckAt, setStuckAt] = useState<string | null>(null);
  const [failure, setFailure] = useState<Error | null>(null);
  const page = data?.conferences;

  // Rows that a source owed come later than those around them: put them where they belong.
  const rows = useMemo(
    () => (page?.edges ?? []).map((edge) => edge.node).sort((a, b) => sortTime(b).localeCompare(sortTime(a))),
    [page?.edges],
  );

  async function more() {
    if (!page?.pageInfo.hasNextPage) return;
    setFailure(null);
    try {
      const next = await fetchMore({ variables: { after: page.pageInfo.endCursor } });
      const { edges, complete, pageInfo } = next.data!.conferences;
      // An empty page may just be a short one: read on. Where a source is down as well, wait until the viewer asks.
      setStuckAt(!complete && edges.length === 0 ? pageInfo.endCursor : null);
    } catch (problem) {
      setFailure(problem as Error);
    }
  }

  const isLoading = networkStatus !== NetworkStatus.ready && networkStatus !== NetworkStatus.error;
  return {
    rows,
    totalCount: page?.totalCount ?? null,
    sources: page?.sources ?? [],
    isComplete: page?.complete ?? true,
    hasMore: page?.pageInfo.hasNextPage ?? false,
    place: page?.pageInfo.endCursor ?? null,
    isStuck: failure !== null || (stuckAt !== null && stuckAt === page?.pageInfo.endCursor),
    isLoading,
    error: error ?? failure,
    more,
    refetch,
  };
}

export type Conferences = ReturnType<typeof useConferences>;
