import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { text } from "../src/text";

const folder = join(import.meta.dirname, "../src");
const sources = readdirSync(folder, { recursive: true })
  .map(String)
  .filter((name) => /\.tsx?$/.test(name) && !name.startsWith("gql"))
  .map((name) => ({ name, source: readFileSync(join(folder, name), "utf8") }));
const all = sources.map((s) => s.source).join("\n");

describe("the texts", () => {
  it("are all used", () => {
    const unused = Object.entries(text).flatMap(([group, value]) => {
      if (typeof value === "function" || typeof value === "string") return new RegExp(`text\\.${group}\\b`).test(all) ? [] : [group];
      if (new RegExp(`text\\.${group}\\[`).test(all)) return [];
      return Object.keys(value).filter((key) => !new RegExp(`text\\.${group}\\.${key}\\b`).test(all)).map((key) => `${group}.${key}`);
    });
    expect(unused).toEqual([]);
  });

  it("stand in one place: no page writes a sentence of its own", () => {
    const strays = sources
      .filter(({ name }) => name.endsWith(".tsx"))
      .flatMap(({ name, source }) => [...source.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)+[.?!]?)\s*<\//g)].map((m) => `${name}: ${m[1]}`));
    expect(strays).toEqual([]);
  });

  it("say one and many rightly", () => {
    expect(text.search.total(1, 3)).toBe("1 asset at revision 3");
    expect(text.search.total(1200, 3)).toBe("1,200 assets at revision 3");
    expect(text.home.waiting(1)).toBe("1 proposal waits for you");
    expect(text.sources.change("tags", 1, 2, 1200)).toBe("1 tag begins, 2 tags change, 1,200 tags end");
    expect(text.sources.later(1)).toBe("1 item stays as it is, for later commits changed it:");
    expect(text.and(["a", "b", "c"])).toBe("a, b, and c");
  });
});
