/** The URL's query as plain, repeatable keys: `?kind=table&kind=view`. */

export type Query = Record<string, string | string[]>;

export function parseQuery(text: string): Query {
  const query: Query = {};
  for (const [key, value] of new URLSearchParams(text)) {
    const was = query[key];
    query[key] = was === undefined ? value : [...(Array.isArray(was) ? was : [was]), value];
  }
  return query;
}

/** Writes what parseQuery reads; empty, false and absent values are left out. */
export function writeQuery(query: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined || one === null || one === "" || one === false) continue;
      params.append(key, one === true ? "1" : String(one));
    }
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

export function asText(value: unknown): string | undefined {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" && first !== "" ? first : undefined;
}

export function asTexts(value: unknown): string[] | undefined {
  const all = (Array.isArray(value) ? value : [value]).filter((v): v is string => typeof v === "string" && v !== "");
  return all.length > 0 ? all : undefined;
}

export function asFlag(value: unknown): true | undefined {
  return value === true || value === "1" ? true : undefined;
}

/** The value where it is one of those allowed. */
export function asOneOf<T extends string>(value: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((a) => a === value);
}

/** A number from 1; anything else is absent. */
export function asNumber(value: unknown): number | undefined {
  const number = Number(asText(value) ?? (typeof value === "number" ? value : Number.NaN));
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
}
