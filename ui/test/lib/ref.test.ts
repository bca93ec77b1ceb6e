import { describe, expect, it } from "vitest";
import { assetOf, baseName, columnRef, container, parseRef, principalName, shortHash } from "../../src/lib/ref";

describe("refs are read as the graph writes them", () => {
  const cases = [
    { name: "a table", ref: "bigquery/p.d.t", parts: { namespace: "bigquery", name: "p.d.t", path: "" }, base: "t", container: "p.d" },
    { name: "a column", ref: "bigquery/p.d.t#a.b[].c", parts: { namespace: "bigquery", name: "p.d.t", path: "a.b[].c" }, base: "t", container: "p.d" },
    { name: "a dataset", ref: "bigquery/p.d", parts: { namespace: "bigquery", name: "p.d", path: "" }, base: "d", container: "p" },
    { name: "a topic", ref: "kafka://host:9092/orders.v1", parts: { namespace: "kafka://host:9092", name: "orders.v1", path: "" }, base: "orders.v1", container: "kafka://host:9092" },
    { name: "escapes in the name", ref: "s3://b/x%2Fy%23z%25", parts: { namespace: "s3://b", name: "x/y#z%", path: "" }, base: "x/y#z%", container: "s3://b" },
    { name: "an escape that was escaped", ref: "file/a%252F", parts: { namespace: "file", name: "a%2F", path: "" }, base: "a%2F", container: "file" },
  ];
  it.each(cases)("$name", ({ ref, parts, base, container: within }) => {
    expect(parseRef(ref)).toEqual(parts);
    expect(baseName(ref)).toBe(base);
    expect(container(ref)).toBe(within);
  });

  it("puts an asset and a path together and takes them apart", () => {
    const ref = columnRef("bigquery/p.d.t", "a.b");
    expect(ref).toBe("bigquery/p.d.t#a.b");
    expect(assetOf(ref)).toBe("bigquery/p.d.t");
    expect(columnRef(ref, "c")).toBe("bigquery/p.d.t#c");
    expect(assetOf("bigquery/p.d.t")).toBe("bigquery/p.d.t");
  });

  it("shortens a hash and nothing else", () => {
    expect(shortHash("0a".repeat(32))).toBe("0a0a0a0a0a0a");
    expect(shortHash("0a".repeat(31))).toBe("0a".repeat(31));
    expect(shortHash("bigquery/p.d.t")).toBe("bigquery/p.d.t");
  });

  it("names a principal without its kind", () => {
    expect(principalName("group:a@b.example")).toBe("a@b.example");
    expect(principalName("a@b.example")).toBe("a@b.example");
  });
});
