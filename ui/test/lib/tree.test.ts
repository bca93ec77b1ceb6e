import { describe, expect, it } from "vitest";
import { layTree, parentPath } from "../../src/lib/tree";
import { numbers } from "../random";

const items = (...paths: string[]) => paths.map((path) => ({ path }));
const shown = (rows: { item: { path: string } }[]) => rows.map((r) => r.item.path);

/** A random tree, parents before children, with repeated records in it. */
function randomTree(seed: number): { path: string }[] {
  const next = numbers(seed);
  const paths: string[] = [];
  const grow = (prefix: string, depth: number) => {
    for (let i = 0, n = 1 + next(4); i < n; i++) {
      const path = `${prefix}c${i}`;
      paths.push(path);
      if (depth < 4 && next(2) === 0) grow(next(2) === 0 ? `${path}[].` : `${path}.`, depth + 1);
    }
  };
  grow("", 0);
  return items(...paths);
}

describe("the column tree", () => {
  it("shows every column once, in its order, when nothing is folded", () => {
    for (let seed = 0; seed < 100; seed++) {
      const tree = randomTree(seed);
      expect(shown(layTree(tree, new Set()))).toEqual(tree.map((t) => t.path));
    }
  });

  it("hides exactly what lies below a folded row", () => {
    for (let seed = 0; seed < 100; seed++) {
      const tree = randomTree(seed);
      const all = layTree(tree, new Set());
      for (const row of all.filter((r) => r.below > 0)) {
        const rows = layTree(tree, new Set([row.item.path]));
        expect(rows.length).toBe(all.length - row.below);
        expect(rows.find((r) => r.item.path === row.item.path)?.folded).toBe(true);
      }
    }
  });

  it("keeps what matches a search and what holds it, and nothing else", () => {
    const tree = items("id", "contact", "contact.email", "contact.phone", "signers", "signers[].email");
    expect(shown(layTree(tree, new Set(), "email"))).toEqual(["contact", "contact.email", "signers", "signers[].email"]);
    expect(shown(layTree(tree, new Set(["contact"]), "EMAIL"))).toContain("contact.email");
    expect(layTree(tree, new Set(), "zip")).toEqual([]);
  });

  it("counts depth by what holds a column, through repeated records", () => {
    const rows = layTree(items("a", "a.b", "a.b[].c", "a.b[].d[].e"), new Set());
    expect(rows.map((r) => r.depth)).toEqual([0, 1, 2, 2]);
    expect(rows.map((r) => r.below)).toEqual([3, 2, 0, 0]);
  });

  const parents = [
    { name: "a field of a record", path: "a.b", want: "a" },
    { name: "a field of a repeated record", path: "a[].b", want: "a" },
    { name: "a field of lists of lists", path: "a[][].b", want: "a" },
    { name: "a column on its own", path: "z", want: "" },
    { name: "a column whose name has a dot", path: "x.y", want: "" },
    { name: "the nearest that is known", path: "a.unknown.c", want: "a" },
  ];
  it.each(parents)("finds what holds $name", ({ path, want }) => expect(parentPath(path, new Set(["a", "z"]))).toBe(want));

  it("lays out ten thousand columns in a blink", () => {
    const many = items(...Array.from({ length: 100 }, (_, i) => [`r${i}`, ...Array.from({ length: 99 }, (_, j) => `r${i}.c${j}`)]).flat());
    const began = performance.now();
    expect(layTree(many, new Set(["r1"]))).toHaveLength(10_000 - 99);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
