/** Search, lineage and who-could-see on the fake. */
import { edges } from "./company.ts";
import { Catalog, Refusal } from "./catalog.ts";
import { viewRef } from "./plans.ts";
import type { FakeAsset, FakeEdge, FakePerson } from "./types.ts";

export interface SearchArguments {
  query: string;
  filter?: { kinds?: string[]; sources?: string[]; parents?: string[]; owners?: string[]; labels?: string[] } | null;
  first: number;
  after?: string | null;
}

type Span = { start: number; end: number };

function spans(text: string, words: string[]): Span[] {
  return words.flatMap((w) => {
    const start = text.toLowerCase().indexOf(w);
    return start < 0 ? [] : [{ start, end: start + w.length }];
  });
}

function hit(asset: FakeAsset, words: string[]) {
  const highlights = spans(asset.name, words);
  const columns = asset.columns.filter((c) => words.length > 0 && words.every((w) => c.path.toLowerCase().includes(w))).slice(0, 5).map((c) => ({ ref: c.ref, path: c.path, highlights: spans(c.path, words) }));
  const whole = words.join(" ");
  const described = words.length > 0 && words.every((w) => asset.description.toLowerCase().includes(w));
  const rank = words.length === 0 ? 9 : asset.name === whole ? 0 : highlights.length === words.length ? 1 : columns.length > 0 ? 2 : described ? 3 : -1;
  const why = ["exact name", "name", "column", "description"][rank] ?? "";
  return { asset, rank, why, highlights, columns };
}

export function search(catalog: Catalog, person: FakePerson, args: SearchArguments) {
  const words = args.query.toLowerCase().split(/\s+/).filter(Boolean);
  const labelsOf = (a: FakeAsset) => [...new Set(a.columns.flatMap((c) => catalog.effective(c.ref).map((t) => t.label)))].filter((l) => l !== "none");
  const attributes = (a: FakeAsset): Record<string, string[]> => ({
    kind: [a.kind], source: [a.source], parent: a.parent ? [a.parent] : [], owner: a.owners.map((o) => o.principal), label: labelsOf(a),
  });
  const wanted = Object.entries({ kind: args.filter?.kinds, source: args.filter?.sources, parent: args.filter?.parents, owner: args.filter?.owners, label: args.filter?.labels });
  const hits = catalog.assets
    .map((a) => hit(a, words))
    .filter((h) => h.rank >= 0 && (catalog.visibility(h.asset, person) === "visible" || h.rank < 2))
    .filter((h) => wanted.every(([key, values]) => !values?.length || values.some((v) => attributes(h.asset)[key]!.includes(v))))
    .sort((a, b) => a.rank - b.rank || a.asset.name.localeCompare(b.asset.name));
  const start = args.after ? Number(args.after) : 0;
  const page = hits.slice(start, start + args.first);
  return {
    total: hits.length, revision: catalog.head,
    pageInfo: { hasNextPage: start + args.first < hits.length, endCursor: page.length > 0 ? String(start + page.length) : null },
    facets: wanted.map(([attribute]) => {
      const values = counted(hits.flatMap((h) => attributes(h.asset)[attribute]!));
      return { attribute, values: values.slice(0, 20), more: Math.max(0, values.length - 20) };
    }),
    edges: page.map((h, i) => ({ ...h, cursor: String(start + i + 1), node: h.asset })),
  };
}

function counted(values: string[]) {
  const counts = new Map<string, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count || a.value.localeCompare(b.value));
}

/** Edges between assets follow from those between columns. */
function assetEdges(): FakeEdge[] {
  const found = new Map<string, FakeEdge>();
  for (const e of edges) {
    const [from, to] = [e.from.split("#")[0]!, e.to.split("#")[0]!];
    found.set(`${from} ${to}`, { ...e, from, to, kind: "reads", function: "", masking: false });
  }
  return [...found.values()];
}

export interface LineageArguments { ref: string; direction: "UP" | "DOWN" | "BOTH"; depth: number; limit: number; columns: boolean }

export function lineage(catalog: Catalog, person: FakePerson, args: LineageArguments) {
  const asset = catalog.asset(args.ref.split("#")[0]!);
  if (!asset) throw new Refusal("NOT_FOUND", `asset ${args.ref} does not exist`);
  const all = args.columns ? edges.filter((e) => e.from.includes("#")) : assetEdges();
  const roots = !args.columns ? [asset.ref] : args.ref.includes("#") ? [args.ref] : asset.columns.map((c) => c.ref);
  const distance = new Map(roots.map((r) => [r, 0]));
  const kept = new Set<FakeEdge>();
  for (const sign of args.direction === "UP" ? [-1] : args.direction === "DOWN" ? [1] : [-1, 1]) {
    let front = roots;
    for (let d = 1; d <= args.depth; d++) {
      const next: string[] = [];
      for (const e of all) {
        const [near, far] = sign > 0 ? [e.from, e.to] : [e.to, e.from];
        if (!front.includes(near)) continue;
        kept.add(e);
        if (!distance.has(far)) { distance.set(far, sign * d); next.push(far); }
      }
      front = next;
    }
  }
  const reasons = [...kept].filter((e) => e.outcome !== "exact").map((e) => `${e.to.split("#")[0]} is made by a statement that is understood in part: ${e.statement?.unresolved.join(", ")} is not known.`);
  const used = args.columns ? new Set([...kept].flatMap((e) => [e.from, e.to]).concat(args.ref.includes("#") ? roots : [])) : distance;
  return {
    root: args.columns ? args.ref : asset.ref, complete: reasons.length === 0, reasons: [...new Set(reasons)],
    nodes: [...distance].filter(([ref]) => used.has(ref)).slice(0, args.limit).map(([ref, d]) => node(catalog, person, ref, d, all, distance)),
    edges: [...kept],
  };
}

function node(catalog: Catalog, person: FakePerson, ref: string, d: number, all: FakeEdge[], here: Map<string, number>) {
  const asset = catalog.asset(ref.split("#")[0]!)!;
  const further = all.filter((e) => (d >= 0 && e.from === ref && !here.has(e.to)) || (d <= 0 && e.to === ref && !here.has(e.from)));
  const labels = ref.includes("#") ? catalog.effective(ref).map((t) => t.label) : [...new Set(asset.columns.flatMap((c) => catalog.effective(c.ref).map((t) => t.label)))];
  return { ref, name: ref.split("#")[1] ?? asset.name, kind: asset.kind, visibility: catalog.visibility(asset, person), distance: d, more: further.length, labels: labels.filter((l) => l !== "none") };
}

export function whoCouldSee(catalog: Catalog, person: FakePerson, args: { column: string; revision?: number | null; at?: string | null }) {
  catalog.allow(person, "audit");
  const { asset } = catalog.column(args.column);
  const seen = catalog.seen(args.revision, args.at);
  const ways = [{ principal: "group:platform@halden.example", audience: "", through: asset.ref, form: "clear", method: "", why: "OWNER of the dataset raw", since: 42 }];
  for (const audience of ["analysts", "fraud"]) {
    const e = catalog.explain(args.column, audience, seen.tags);
    if (e.effect === "deny" || !seen.published.includes(`${audience} ${asset.ref}`)) continue;
    ways.push({ principal: `group:${audience}@halden.example`, audience, through: viewRef(audience, asset.ref), form: e.effect === "allow" ? "clear" : "masked", method: e.method, why: e.rules[0]!.why, since: seen.revision });
  }
  catalog.log(person.id, "read", args.column, [{ key: "question", value: "who could see" }]);
  return { column: args.column, revision: seen.revision, at: seen.at, ways, reasons: ["Members of groups are as the identity provider has them; who was in a group at that time is not kept here."] };
}
