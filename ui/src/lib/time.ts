/** Time for people: the reader's zone on the page, UTC on hover. */

const absolute = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export function localTime(iso: string): string {
  return absolute.format(new Date(iso));
}

export function utcTime(iso: string): string {
  return `${new Date(iso).toISOString().replace("T", " ").slice(0, 19)} UTC`;
}

const units: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]];

/** "3 hours ago"; more than thirty days are a date. */
export function agoTime(iso: string, now: Date = new Date()): string {
  const span = new Date(iso).getTime() - now.getTime();
  if (Math.abs(span) > 30 * 86_400_000) return localTime(iso);
  const [unit, size] = units.find(([, ms]) => Math.abs(span) >= ms) ?? ["second", 1000];
  return relative.format(Math.round(span / size), unit);
}

/** What a datetime-local field holds, as an instant in UTC. */
export function instantOf(field: string): string | undefined {
  const date = new Date(field);
  return field === "" || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** An instant as a datetime-local field of the reader's zone holds it. */
export function fieldOf(iso: string): string {
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
