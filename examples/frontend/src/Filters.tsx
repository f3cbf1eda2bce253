import { useQuery } from "@apollo/client/react";
import { useEffect, useState } from "react";

import { SOURCES } from "./queries";

export interface Asked {
  days: number;
  until: number;
  sources: string[];
  search: string;
}

const RANGES = [
  { days: 1, name: "24 hours" },
  { days: 3, name: "3 days" },
  { days: 7, name: "7 days" },
];
const TYPING_MS = 300;

export function Filters({ asked, onChange }: { asked: Asked; onChange: (asked: Asked) => void }) {
  const { data } = useQuery(SOURCES);
  const [search, setSearch] = useState(asked.search);

  useEffect(() => {
    if (search.trim() === asked.search) return;
    const timer = setTimeout(() => onChange({ ...asked, search: search.trim() }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [search, asked, onChange]);

  function toggle(name: string) {
    const has = asked.sources.includes(name);
    onChange({ ...asked, sources: has ? asked.sources.filter((it) => it !== name) : [...asked.sources, name] });
  }

  return (
    <form className="bar filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <input
        type="search"
        aria-label="Search"
        placeholder="Title, number, room or host"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <div className="segments" role="group" aria-label="Range">
        {RANGES.map(({ days, name }) => (
          <button
            key={days}
            type="button"
            aria-pressed={asked.days === days}
            onClick={() => onChange({ ...asked, days, until: Date.now() })}
          >
            {name}
          </button>
        ))}
      </div>
      <div className="chips" role="group" aria-label="Sources">
        {data?.sources?.map(({ name, vendor }) => (
          <button
            key={name}
            type="button"
            className="chip"
            data-vendor={vendor}
            aria-pressed={asked.sources.includes(name)}
            onClick={() => toggle(name)}
          >
            {name}
          </button>
        ))}
      </div>
    </form>
  );
}
