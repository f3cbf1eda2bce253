// Words for instants and durations, in the viewer's time zone and language.
import type { Conference } from "./queries";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const HOUR_MS = 3_600_000;

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const time = (instant: string | null) => (instant ? TIME.format(new Date(instant)) : "–");

/** What it is called, or the number by which people and vendors know it. */
export const name = (it: Conference) => it.title ?? `Conference ${it.number ?? it.vendorId}`;

export const day = (instant: string | number) => DAY.format(new Date(instant));

/** "Today" and "Yesterday", else nothing. */
export function dayName(date: string): string {
  if (date === day(Date.now())) return "Today";
  return date === day(Date.now() - 24 * HOUR_MS) ? "Yesterday" : "";
}

/** 42 s, 17 min, 1 h 05 min. */
export function duration(seconds: number | null): string {
  if (seconds === null) return "";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** By what the list is ordered. */
export const sortTime = (it: Conference) => it.startedAt ?? it.scheduledStartAt ?? "";

/** How long it has lasted until now, where it is going on. */
export function lasted(it: Conference): string {
  if (it.state !== "LIVE" || !it.startedAt) return duration(it.durationSeconds);
  return duration(Math.max(0, Math.round((Date.now() - Date.parse(it.startedAt)) / 1000)));
}
