/** The lineage graph as the page holds it: parts put together and laid out. */
import type { LineageQuery } from "../gql/graphql";

export type Part = LineageQuery["lineage"];
export type Node = Part["nodes"][number];
export type Edge = Part["edges"][number];

export interface Graph {
  root: string;
  nodes: Node[];
  edges: Edge[];
  complete: boolean;
  reasons: string[];
}

const sameEdge = (a: Edge, b: Edge): boolean => a.from === b.from && a.to === b.to && a.kind === b.kind && a.function === b.function && a.statement?.id === b.statement?.id;

export function graphOf(part: Part): Graph {
  return { ...part, nodes: [...part.nodes], edges: [...part.edges], reasons: [...part.reasons] };
}

/**
 * Adds what was found from one node on. What is known keeps its place; what is
 * new stands as far from the root as its finder and one more; the opened node
 * has no more to open.
 */
export function grow(graph: Graph, opened: string, part: Part): Graph {
  const from = graph.nodes.find((n) => n.ref === opened);
  if (!from) return graph;
  const known = new Set(graph.nodes.map((n) => n.ref));
  const fresh = part.nodes.filter((n) => !known.has(n.ref)).map((n) => ({ ...n, distance: from.distance + n.distance }));
  return {
    root: graph.root,
    nodes: [...graph.nodes.map((n) => (n.ref === opened ? { ...n, more: 0 } : n)), ...fresh],
    edges: [...graph.edges, ...part.edges.filter((e) => !graph.edges.some((g) => sameEdge(g, e)))],
    complete: graph.complete && part.complete,
    reasons: [...new Set([...graph.reasons, ...part.reasons])],
  };
}

/** Edges between the same two nodes, which the graph draws as one. */
export function bundles(edges: readonly Edge[]): Edge[][] {
  const found = new Map<string, Edge[]>();
  for (const edge of edges) {
    const key = `${edge.from}\n${edge.to}`;
    const bundle = found.get(key);
    if (bundle) bundle.push(edge);
    else found.set(key, [edge]);
  }
  return [...found.values()];
}

/** The least certain outcome of a bundle decides how it is drawn. */
export function worst(edges: readonly Edge[]): string {
  return ["failed", "partial"].find((o) => edges.some((e) => e.outcome === o)) ?? "exact";
}

export interface Place {
  x: number;
  y: number;
}

export const nodeSize = { width: 230, height: 66 };
export const gap = { x: 170, y: 22 };

/**
 * Lays nodes out in columns by their distance from the root. Within a column a
 * node stands near the middle of its neighbours. Fast for any size.
 */
export function layers(graph: Pick<Graph, "nodes" | "edges">): Map<string, Place> {
  const columns = new Map<number, string[]>();
  for (const node of graph.nodes) columns.set(node.distance, [...(columns.get(node.distance) ?? []), node.ref]);
  const neighbours = new Map<string, string[]>();
  for (const { from, to } of graph.edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const places = new Map<string, Place>();
  const outward = [...columns.keys()].sort((a, b) => Math.abs(a) - Math.abs(b) || a - b);
  for (const distance of outward) {
    const pull = new Map(columns.get(distance)!.map((ref, i) => [ref, middle(neighbours.get(ref) ?? [], places) ?? i]));
    const order = [...columns.get(distance)!].sort((a, b) => pull.get(a)! - pull.get(b)!);
    order.forEach((ref, i) => places.set(ref, { x: distance * (nodeSize.width + gap.x), y: (i - (order.length - 1) / 2) * (nodeSize.height + gap.y) }));
  }
  return places;
}

function middle(refs: readonly string[], places: ReadonlyMap<string, Place>): number | undefined {
  const ys = refs.flatMap((ref) => places.get(ref)?.y ?? []);
  return ys.length === 0 ? undefined : ys.reduce((sum, y) => sum + y, 0) / ys.length;
}
