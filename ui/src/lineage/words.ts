/** What an edge says, in words. */
import type { Edge } from "../lib/lineage";
import { text } from "../text";

export function edgeWords(edge: Edge): string {
  const words = text.lineage.kinds[edge.kind] ?? edge.kind;
  const by = edge.function ? ` ${text.lineage.by(edge.function)}` : "";
  return `${words}${by}${edge.masking ? `, ${text.lineage.masked}` : ""}`;
}
