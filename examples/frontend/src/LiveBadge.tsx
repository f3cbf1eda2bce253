import { useSubscription } from "@apollo/client/react";
import { useEffect, useState } from "react";

import { socket } from "./client";
import { LIVE } from "./queries";

const HINT = "As the sources tell that list what goes on. Live rows of the others are as of the last refresh.";

/** How many conferences are going on, and in which of the sources that tell at once: others have some too. */
export function LiveBadge() {
  const [live, setLive] = useState<ReadonlyMap<string, string>>(new Map()); // the source of each, by id
  const [isCut, setCut] = useState(false);
  // What ended during a break is not told: what goes on is, once more.
  useEffect(() => {
    const begin = (cut: boolean) => () => {
      setLive(new Map());
      setCut(cut);
    };
    const ends = [socket.on("connected", begin(false)), socket.on("closed", begin(true))];
    return () => ends.forEach((end) => end());
  }, []);
  useSubscription(LIVE, {
    onData({ data: { data } }) {
      if (!data) return;
      const { kind, conference } = data.liveConferences;
      setLive((before) => {
        const after = new Map(before);
        if (kind === "ENDED") after.delete(conference.id);
        else after.set(conference.id, conference.sourceName);
        return after;
      });
    },
  });
  if (isCut) return <p className="live cut">reconnecting…</p>;
  if (live.size === 0) return null;
  return (
    <p className="live" title={HINT}>
      <i aria-hidden="true" /> {live.size} live in {[...new Set(live.values())].sort().join(", ")}
    </p>
  );
}
