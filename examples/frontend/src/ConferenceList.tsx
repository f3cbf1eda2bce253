import { useEffect, useRef, type KeyboardEvent } from "react";

import { day, dayName, lasted, name, sortTime, time } from "./format";
import type { Conference } from "./queries";
import type { Conferences } from "./useConferences";

const WORDS: Partial<Record<Conference["state"], string>> = {
  LIVE: "Live",
  SCHEDULED: "Scheduled",
  CANCELLED: "Cancelled",
  EXPIRED: "Not held",
};

interface Props extends Conferences {
  open: Conference | null;
  onOpen: (conference: Conference) => void;
}

export function ConferenceList(props: Props) {
  const { rows, hasMore, isLoading, isStuck, error, place, more, refetch, open, onOpen } = props;
  const end = useRef<HTMLDivElement>(null);

  // Read on whenever the end of the list comes near; each page has another place, so that this looks again.
  useEffect(() => {
    if (!end.current || !hasMore || isLoading || isStuck) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && void more(), { rootMargin: "600px" });
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [hasMore, isLoading, isStuck, place, rows.length]);

  return (
    <>
      {byDay(rows).map(([date, ofDay]) => (
        <section key={date} aria-label={date}>
          <h2>{dayName(date) ? <>{dayName(date)} <small>{date}</small></> : date}</h2>
          <ol onKeyDown={walk}>
            {ofDay.map((it) => (
              <Row key={it.id} conference={it} isOpen={it.id === open?.id} onOpen={onOpen} />
            ))}
          </ol>
        </section>
      ))}
      {isLoading && <Skeleton rows={rows.length ? 2 : 10} />}
      {error && (
        <div className="empty" role="alert">
          <strong>The list could not be read.</strong>
          <p>{error.message}</p>
          <button type="button" onClick={() => void (rows.length ? more() : refetch())}>Try again</button>
        </div>
      )}
      {!isLoading && !error && rows.length === 0 && !hasMore && (
        <div className="empty">
          <strong>No conferences.</strong>
          <p>Nothing fits this range, these sources and this search.</p>
        </div>
      )}
      <div ref={end} className="end">{!hasMore && rows.length > 0 && "That is all."}</div>
    </>
  );
}

function Row({ conference: it, isOpen, onOpen }: { conference: Conference; isOpen: boolean; onOpen: Props["onOpen"] }) {
  return (
    <li>
      <button type="button" id={it.id} className="row" data-state={it.state} aria-expanded={isOpen} onClick={() => onOpen(it)}>
        <span className="times">
          <time dateTime={sortTime(it)}>{time(sortTime(it))}</time>
          {it.endedAt && <small>–{time(it.endedAt)}</small>}
        </span>
        <span className="what">
          <b>{name(it)}</b>
          <small>{[it.room?.name, it.host?.name].filter(Boolean).join(" · ") || (it.title && it.number)}</small>
        </span>
        <span className="state" data-state={it.state}>{WORDS[it.state]}</span>
        <span className="people">{crowd(it)}</span>
        <span className="lasted">{lasted(it)}</span>
        <span className="tag" data-vendor={it.source.vendor}>{it.source.name}</span>
      </button>
    </li>
  );
}

/** How many there were, or the most at once: vendors tell one of them. */
function crowd({ memberCount, peakMemberCount }: Conference) {
  if (memberCount !== null) return <>{memberCount} <small>{memberCount === 1 ? "person" : "people"}</small></>;
  return peakMemberCount !== null && <>{peakMemberCount} <small>at once</small></>;
}

/** Arrow keys go from row to row, over the borders of days. */
function walk(event: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const rows = [...document.querySelectorAll<HTMLElement>(".row")];
  rows[rows.indexOf(event.target as HTMLElement) + step]?.focus();
  event.preventDefault();
}

function byDay(rows: Conference[]): [string, Conference[]][] {
  const days = new Map<string, Conference[]>();
  for (const row of rows) {
    const date = day(sortTime(row));
    days.set(date, [...(days.get(date) ?? []), row]);
  }
  return [...days];
}

export function Skeleton({ rows }: { rows: number }) {
  return (
    <div className="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => <div key={i} />)}
    </div>
  );
}
