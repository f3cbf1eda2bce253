import { time } from "./format";
import type { Conferences } from "./useConferences";

/** What the list lacks, and why. It goes away by itself once a later page has brought the rows. */
export function Notice({ sources, isComplete, isLoading, more, hasMore }: Conferences) {
  const lacking = sources.filter((it) => it.error && it.status !== "UNSUPPORTED" && it.status !== "STALE");
  const stale = sources.filter((it) => it.status === "STALE");
  if (isComplete && stale.length === 0) return null;
  return (
    <div className="notice" role="alert">
      {!isComplete && (
        <>
          <div>
            <strong>Some conferences are missing.</strong> {hasMore && "They follow as soon as their source answers."}
            <ul>
              {lacking.map(({ source, error }) => (
                <li key={source.name}>{error?.message}</li>
              ))}
            </ul>
          </div>
          {hasMore && (
            <button type="button" disabled={isLoading} onClick={() => void more()}>
              Try again
            </button>
          )}
        </>
      )}
      {stale.map(({ source, asOf }) => (
        <p key={source.name}>
          <span className="tag" data-vendor={source.vendor}>{source.name}</span>
          does not answer just now; shown as of {time(asOf)}.
        </p>
      ))}
    </div>
  );
}
