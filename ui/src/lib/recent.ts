/** The assets that a person opened last, kept in this browser by person. */

export interface Opened {
  ref: string;
  kind: string;
}

const kept = 8;
const key = (person: string): string => `cadastre.recent.${person}`;

export function recent(person: string): Opened[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(key(person)) ?? "[]");
    return Array.isArray(read) ? read.filter((o): o is Opened => typeof o?.ref === "string" && typeof o?.kind === "string") : [];
  } catch {
    return [];
  }
}

export function noteOpened(person: string, opened: Opened): void {
  const rest = recent(person).filter((o) => o.ref !== opened.ref);
  localStorage.setItem(key(person), JSON.stringify([{ ref: opened.ref, kind: opened.kind }, ...rest].slice(0, kept)));
}
