import { useMemo, useState } from "react";

import { ConferenceList } from "./ConferenceList";
import { Details } from "./Details";
import { Filters, type Asked } from "./Filters";
import { ZONE } from "./format";
import { LiveBadge } from "./LiveBadge";
import { Notice } from "./Notice";
import type { Conference, Filter } from "./queries";
import { readAhead, useConferences } from "./useConferences";

const DAY_MS = 86_400_000;

export function App() {
  const [asked, setAsked] = useState<Asked>(() => ({ days: 1, until: Date.now(), sources: [], search: "" }));
  const [open, setOpen] = useState<Conference | null>(null);
  const [failure, setFailure] = useState<{ of: Asked; error: Error } | null>(null);
  const filter = useMemo(() => filterOf(asked), [asked]);
  const conferences = useConferences(filter);

  /** Whatever becomes of it, the list stays until there is a newer one. */
  async function refresh() {
    const until = Date.now();
    try {
      await readAhead(filterOf({ ...asked, until }));
      setAsked((now) => ({ ...now, until }));
    } catch (problem) {
      setFailure({ of: asked, error: problem as Error });
    }
  }

  function close() {
    document.getElementById(open?.id ?? "")?.focus();
    setOpen(null);
  }

  return (
    <>
      <header>
        <div className="bar">
          <h1>Conferences</h1>
          <LiveBadge />
          <Count {...conferences} />
          <button type="button" className="quiet" onClick={() => void refresh()}>
            Refresh
          </button>
        </div>
        <Filters asked={asked} onChange={setAsked} />
      </header>
      <main className={open ? "split" : ""}>
        <section aria-label="List">
          {failure?.of === asked && (
            <p className="notice" role="alert">This could not be refreshed: {failure.error.message}</p>
          )}
          <Notice {...conferences} />
          <ConferenceList {...conferences} open={open} onOpen={setOpen} />
        </section>
        {open && <Details key={open.id} conference={open} onClose={close} />}
      </main>
    </>
  );
}

function Count({ rows, totalCount, hasMore }: { rows: Conference[]; totalCount: number | null; hasMore: boolean }) {
  const total = totalCount ?? (hasMore ? null : rows.length);
  return (
    <p className="count" role="status">
      {total === null ? `${rows.length} shown` : `${rows.length} of ${total}`} · times in {ZONE}
    </p>
  );
}

function filterOf({ days, until, sources, search }: Asked): Filter {
  const during = { from: instant(until - days * DAY_MS), to: instant(until) };
  return { during, sources: sources.length ? sources : null, search: search || null };
}

const instant = (ms: number) => new Date(ms).toISOString();
