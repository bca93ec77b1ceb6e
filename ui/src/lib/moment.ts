/** Moments of the catalog as the URL names them: a revision, a time, a date. */

export type Moment = { revision: number } | { time: string };

const day = /^\d{4}-\d{2}-\d{2}$/;

/** Reads what stands in the URL; what is no moment is absent. A date is its end. */
export function momentOf(text: string | undefined): Moment | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return { revision: Number(text) };
  const time = day.test(text) ? `${text}T23:59:59.999999Z` : text;
  return /[zZ]|[+-]\d{2}:\d{2}$/.test(time) && !Number.isNaN(Date.parse(time)) ? { time } : undefined;
}

/**
 * What the URL asks for, also where it names no moment: somebody who asked for
 * the past is never shown the present in its place.
 */
export function asMoment(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  return typeof text === "string" && text !== "" ? text : undefined;
}
