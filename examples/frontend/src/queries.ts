// What is asked, and the types of what comes back.
import { gql, type TypedDocumentNode } from "@apollo/client";

export type Vendor = "HEXMEET" | "NETEASE" | "SYSTEC" | "QUANSHI" | "HUAWEI";

export interface Source {
  name: string;
  vendor: Vendor;
}

/** What one source contributed. A failing one is data, not an error: the rows of the others are there. */
export interface SourceResult {
  source: Source;
  status: "OK" | "STALE" | "LIVE_ONLY" | "FAILED" | "UNSUPPORTED";
  asOf: string | null;
  error: { code: string; message: string } | null;
}

export interface Conference {
  id: string;
  vendorId: string;
  source: Source;
  number: string | null;
  title: string | null;
  state: "SCHEDULED" | "LIVE" | "ENDED" | "CANCELLED" | "EXPIRED" | "UNKNOWN";
  startedAt: string | null;
  endedAt: string | null;
  scheduledStartAt: string | null;
  durationSeconds: number | null;
  memberCount: number | null;
  peakMemberCount: number | null;
  host: { name: string | null } | null;
  room: { id: string; name: string | null } | null;
}

export interface Member {
  id: string;
  displayName: string | null;
  joinedAt: string | null;
  leftAt: string | null;
  durationSeconds: number | null;
  clientType: string;
  role: "CHAIR" | "PARTICIPANT" | null;
}

export interface Call {
  id: string;
  displayName: string | null;
  startedAt: string | null;
  durationSeconds: number | null;
  bitrateKbps: number | null;
  callType: string | null;
  clientVersion: string | null;
  mcu: { id: string; name: string } | null;
}

export interface Filter {
  during: { from: string; to: string };
  sources: string[] | null;
  search: string | null;
}

/** A Relay connection, with what confgraph adds: what each source contributed, and whether rows are missing. */
export interface Page<Row> {
  edges: { cursor: string; node: Row }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  totalCount: number | null;
  sources: SourceResult[];
  complete: boolean;
}

const CONFERENCE = gql`
  fragment Row on Conference {
    id vendorId number title state startedAt endedAt scheduledStartAt durationSeconds memberCount peakMemberCount
    source { name vendor }
    host { name }
    room { id name }
  }
`;

export const SOURCES: TypedDocumentNode<{ sources: Source[] | null }, Record<string, never>> = gql`
  query Sources { sources { name vendor } }
`;

export const CONFERENCES: TypedDocumentNode<
  { conferences: Page<Conference> },
  { filter: Filter; first: number; after?: string | null }
> = gql`
  query Conferences($filter: ConferenceFilter!, $first: Int!, $after: String) {
    conferences(filter: $filter, first: $first, after: $after) {
      edges { cursor node { ...Row } }
      pageInfo { hasNextPage endCursor }
      totalCount
      sources { source { name vendor } status asOf error { code message } }
      complete
    }
  }
  ${CONFERENCE}
`;

/** The natural key finds a conference through a gateway too; `startedNear` saves some vendors a long search. */
export const DETAILS: TypedDocumentNode<
  { conference: (Conference & { members: Page<Member>; calls: Page<Call> }) | null },
  { source: string; vendorId: string; startedNear: string | null }
> = gql`
  query Details($source: String!, $vendorId: String!, $startedNear: DateTime) {
    conference(source: $source, vendorId: $vendorId, startedNear: $startedNear) {
      ...Row
      members(first: 100) {
        edges { cursor node { id displayName joinedAt leftAt durationSeconds clientType role } }
        pageInfo { hasNextPage endCursor }
        totalCount
        sources { source { name vendor } status asOf error { code message } }
        complete
      }
      calls(first: 100) {
        edges {
          cursor
          node { id displayName startedAt durationSeconds bitrateKbps callType clientVersion mcu { id name } }
        }
        pageInfo { hasNextPage endCursor }
        totalCount
        sources { source { name vendor } status asOf error { code message } }
        complete
      }
    }
  }
  ${CONFERENCE}
`;

export const LIVE: TypedDocumentNode<
  { liveConferences: { kind: "STARTED" | "CHANGED" | "ENDED"; conference: { id: string; sourceName: string } } },
  Record<string, never>
> = gql`
  subscription Live { liveConferences { kind conference { id sourceName } } }
`;
