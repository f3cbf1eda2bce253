import { useQuery } from "@apollo/client/react";
import { useEffect, useRef, type ReactNode } from "react";

import { Skeleton } from "./ConferenceList";
import { day, duration, lasted, name, sortTime, time } from "./format";
import { DETAILS, type Call, type Conference, type Member, type Page } from "./queries";

/** One conference with who was in it and how they were connected. */
export function Details({ conference: it, onClose }: { conference: Conference; onClose: () => void }) {
  const { data, loading, error, refetch } = useQuery(DETAILS, {
    variables: { source: it.source.name, vendorId: it.vendorId, startedNear: it.startedAt },
  });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const found = data?.conference;

  return (
    <aside aria-label="Details" onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <div className="head">
        <div>
          <h2 ref={heading} tabIndex={-1}>{name(it)}</h2>
          <p>{day(sortTime(it))}, {time(sortTime(it))}–{it.endedAt ? time(it.endedAt) : "…"}</p>
        </div>
        <button type="button" className="quiet" aria-label="Close" onClick={onClose}>✕</button>
      </div>
      <dl>
        <Fact name="Source"><span className="tag" data-vendor={it.source.vendor}>{it.source.name}</span></Fact>
        <Fact name="Lasted">{lasted(it)}</Fact>
        <Fact name="Number">{it.number}</Fact>
        <Fact name="Room">{it.room?.name}</Fact>
        <Fact name="Host">{it.host?.name}</Fact>
      </dl>
      {loading && <Skeleton rows={6} />}
      {error && (
        <div className="empty" role="alert">
          <p>{error.message}</p>
          <button type="button" onClick={() => void refetch()}>Try again</button>
        </div>
      )}
      {data && !found && <p className="empty">The source does not know this conference any more.</p>}
      {found && (
        <>
          <People name="Members" page={found.members}>
            {(member) => <MemberRow key={member.id} member={member} of={found} />}
          </People>
          <People name="Calls" page={found.calls}>
            {(call) => <CallRow key={call.id} call={call} />}
          </People>
        </>
      )}
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return <div><dt>{name}</dt><dd>{children}</dd></div>;
}

/** A list of members or calls, or why there is none. */
function People<Row>({ name, page, children }: { name: string; page: Page<Row>; children: (row: Row) => ReactNode }) {
  const { edges, totalCount, sources, complete } = page;
  const isUnsupported = sources.some((it) => it.status === "UNSUPPORTED");
  return (
    <section aria-label={name}>
      <h3>{name} {!isUnsupported && complete && <small>{totalCount ?? edges.length}</small>}</h3>
      {isUnsupported && <p className="none">This vendor does not report them.</p>}
      {!complete && <p className="none">They could not be read: {sources.find((it) => it.error)?.error?.message}</p>}
      {!isUnsupported && complete && edges.length === 0 && <p className="none">None.</p>}
      <ul className="people-list">{edges.map((edge) => children(edge.node))}</ul>
      {page.pageInfo.hasNextPage && <p className="none">The first {edges.length} are shown.</p>}
    </section>
  );
}

function MemberRow({ member, of }: { member: Member; of: Conference }) {
  const client = member.clientType === "UNKNOWN" ? "" : member.clientType.toLowerCase();
  return (
    <li>
      <span>
        {member.displayName ?? "Unnamed"} {member.role === "CHAIR" && <small className="chair">chair</small>}
        <small>{client}</small>
      </span>
      <span className="presence" title={`${time(member.joinedAt)}–${member.leftAt ? time(member.leftAt) : "now"}`}>
        <i style={presence(member, of)} />
      </span>
      <small>{member.leftAt ? duration(member.durationSeconds) : `since ${time(member.joinedAt)}`}</small>
    </li>
  );
}

/** Where a member's stay lies between the conference's start and end. */
function presence({ joinedAt, leftAt }: Member, { startedAt, endedAt }: Conference) {
  if (!joinedAt || !startedAt) return { display: "none" };
  const now = Date.now();
  const [start, end] = [Date.parse(startedAt), endedAt ? Date.parse(endedAt) : now];
  const share = (at: number) => Math.min(100, Math.max(0, (100 * (at - start)) / Math.max(1, end - start)));
  const [from, to] = [share(Date.parse(joinedAt)), share(leftAt ? Date.parse(leftAt) : now)];
  return { left: `${from}%`, width: `${Math.max(2, to - from)}%` };
}

function CallRow({ call }: { call: Call }) {
  const facts = [call.mcu?.name, call.bitrateKbps && `${call.bitrateKbps} kbit/s`, call.clientVersion ?? call.callType];
  return (
    <li>
      <span>{call.displayName ?? "Unnamed"}<small>{facts.filter(Boolean).join(" · ")}</small></span>
      <small>{time(call.startedAt)}</small>
      <small>{duration(call.durationSeconds)}</small>
    </li>
  );
}
