import { describe, expect, it } from "vitest";
import { changeOf, sumEffects } from "../../src/lib/effects";
import { groupByAsset } from "../../src/lib/inbox";
import { bundles, graphOf, grow, layers, nodeSize, worst, type Edge, type Node, type Part } from "../../src/lib/lineage";
import { numbers } from "../random";

const node = (ref: string, distance: number, more = 0): Node => ({ ref, name: ref, kind: "table", visibility: "visible", distance, more, labels: [] });
const edge = (from: string, to: string, rest: Partial<Edge> = {}): Edge => ({ from, to, kind: "identity", function: "", masking: false, outcome: "exact", because: "view", statement: null, ...rest });
const part = (root: string, nodes: Node[], edges: Edge[], reasons: string[] = []): Part => ({ root, nodes, edges, complete: reasons.length === 0, reasons });

describe("growing a lineage graph", () => {
  const first = graphOf(part("b", [node("b", 0), node("a", -1, 1), node("c", 1, 2)], [edge("a", "b"), edge("b", "c")]));

  it("adds what is new beyond the opened node, one further away", () => {
    const grown = grow(first, "c", part("c", [node("c", 0), node("d", 1), node("e", 1)], [edge("c", "d"), edge("c", "e")]));
    expect(grown.nodes.map((n) => [n.ref, n.distance, n.more])).toEqual([["b", 0, 0], ["a", -1, 1], ["c", 1, 0], ["d", 2, 0], ["e", 2, 0]]);
    expect(grown.edges).toHaveLength(4);
  });

  it("goes upwards where the opened node stands upwards", () => {
    const grown = grow(first, "a", part("a", [node("a", 0), node("z", -1)], [edge("z", "a")]));
    expect(grown.nodes.find((n) => n.ref === "z")?.distance).toBe(-2);
  });

  it("keeps what it knows where it stood, and no edge twice", () => {
    const grown = grow(first, "c", part("c", [node("c", 0), node("b", 1)], [edge("b", "c"), edge("c", "b")]));
    expect(grown.nodes.find((n) => n.ref === "b")?.distance).toBe(0);
    expect(grown.edges).toHaveLength(3);
  });

  it("is incomplete as soon as one part is, and says each reason once", () => {
    const once = grow(first, "c", part("c", [node("c", 0)], [], ["cut off"]));
    const twice = grow(once, "a", part("a", [node("a", 0)], [], ["cut off"]));
    expect(twice.complete).toBe(false);
    expect(twice.reasons).toEqual(["cut off"]);
  });

  it("does nothing for a node that it does not have", () => {
    expect(grow(first, "nowhere", part("nowhere", [node("x", 0)], []))).toBe(first);
  });
});

describe("drawing a lineage graph", () => {
  it("puts nodes of one distance above each other without touching", () => {
    const next = numbers(9);
    for (let run = 0; run < 50; run++) {
      const nodes = Array.from({ length: 1 + next(40) }, (_, i) => node(`n${i}`, i === 0 ? 0 : next(5) - 2));
      const edges = Array.from({ length: next(60) }, () => edge(`n${next(nodes.length)}`, `n${next(nodes.length)}`));
      const places = layers({ nodes, edges });
      expect(places.size).toBe(nodes.length);
      const all = [...places.values()];
      for (const [i, a] of all.entries()) for (const b of all.slice(i + 1)) expect(Math.abs(a.x - b.x) >= nodeSize.width || Math.abs(a.y - b.y) >= nodeSize.height).toBe(true);
    }
  });

  it("puts what is made to the right of what it is made from", () => {
    const places = layers({ nodes: [node("b", 0), node("a", -1), node("c", 1)], edges: [] });
    expect(places.get("a")!.x).toBeLessThan(places.get("b")!.x);
    expect(places.get("b")!.x).toBeLessThan(places.get("c")!.x);
  });

  it("draws edges between the same two as one, by the least certain", () => {
    const all = bundles([edge("a", "b"), edge("a", "b", { kind: "filter", outcome: "partial" }), edge("b", "c")]);
    expect(all.map((b) => b.length)).toEqual([2, 1]);
    expect(all.map(worst)).toEqual(["partial", "exact"]);
    expect(worst([edge("a", "b", { outcome: "failed" }), edge("a", "b", { outcome: "partial" })])).toBe("failed");
  });
});

describe("what a plan changes for readers", () => {
  const cases = [
    { name: "a new clear column", was: "", effect: "allow", want: "gained" },
    { name: "a new masked column", was: "", effect: "mask", want: "masked" },
    { name: "a denied column that was shown", was: "mask", effect: "deny", want: "lost" },
    { name: "a denied column that was denied", was: "deny", effect: "deny", want: "denied" },
    { name: "a denied column of a new view", was: "", effect: "deny", want: "denied" },
    { name: "a mask taken off", was: "mask", effect: "allow", want: "clearer" },
    { name: "a mask put on", was: "allow", effect: "mask", want: "masked" },
    { name: "a column let in", was: "deny", effect: "allow", want: "gained" },
    { name: "no change", was: "mask", effect: "mask", want: "same" },
  ];
  it.each(cases)("$name is $want", ({ was, effect, want }) => expect(changeOf({ was, effect })).toBe(want));

  it("is counted without losing a column", () => {
    const sum = sumEffects(cases);
    expect(Object.values(sum).reduce((a, b) => a + b)).toBe(cases.length);
    expect(sum.clearer).toBe(1);
  });
});

describe("the inbox by asset", () => {
  it("keeps the order of assets and of proposals", () => {
    const groups = groupByAsset([{ ref: "x/b#1" }, { ref: "x/a#1" }, { ref: "x/b#2" }, { ref: "x/a" }]);
    expect(groups).toEqual([
      { asset: "x/b", tags: [{ ref: "x/b#1" }, { ref: "x/b#2" }] },
      { asset: "x/a", tags: [{ ref: "x/a#1" }, { ref: "x/a" }] },
    ]);
  });
});
