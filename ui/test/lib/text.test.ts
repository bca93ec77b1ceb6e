import { describe, expect, it } from "vitest";
import { cut } from "../../src/lib/highlight";
import { sideBySide, tokens } from "../../src/lib/sql";
import { agoTime, fieldOf, instantOf, utcTime } from "../../src/lib/time";
import { numbers, textOf } from "../random";

describe("highlights", () => {
  it("put together again are the text, for any spans", () => {
    const next = numbers(3);
    for (let i = 0; i < 300; i++) {
      const whole = textOf(next, "abé😀_", 12);
      const spans = Array.from({ length: next(4) }, () => ({ start: next(14) - 1, end: next(14) }));
      const parts = cut(whole, spans);
      expect(parts.map((p) => p.text).join("")).toBe(whole);
      expect(parts.every((p, k) => k === 0 || p.marked !== parts[k - 1]!.marked)).toBe(true);
    }
  });

  it("count code points, not units", () => {
    expect(cut("😀email", [{ start: 1, end: 6 }])).toEqual([
      { text: "😀", marked: false },
      { text: "email", marked: true },
    ]);
  });
});

describe("SQL tokens", () => {
  it("put together again are the SQL, for any text", () => {
    const next = numbers(11);
    for (let i = 0; i < 500; i++) {
      const sql = textOf(next, "SELECT from_a1'\"`-#/*\\\n .,()é😀", 40);
      expect(tokens(sql).map((t) => t.text).join("")).toBe(sql);
    }
  });

  const cases = [
    { name: "a keyword in any case", sql: "select", kind: "keyword" },
    { name: "a name", sql: "selected", kind: "name" },
    { name: "a quoted name", sql: "`SELECT`", kind: "name" },
    { name: "a string", sql: "'SELECT -- 1'", kind: "string" },
    { name: "a string that never ends", sql: "'open", kind: "string" },
    { name: "a number", sql: "12.5", kind: "number" },
    { name: "a line's comment", sql: "-- SELECT 'x'", kind: "comment" },
    { name: "a comment over lines", sql: "/* a\nb */", kind: "comment" },
    { name: "a comment that never ends", sql: "/* a", kind: "comment" },
  ];
  it.each(cases)("tell $name", ({ sql, kind }) => expect(tokens(sql)).toEqual([{ kind, text: sql }]));
});

describe("before and after, side by side", () => {
  it("lose no line, and pair only equal lines as unchanged", () => {
    const next = numbers(5);
    for (let i = 0; i < 300; i++) {
      const lines = () => Array.from({ length: 1 + next(8) }, () => `line ${next(5)}`).join("\n");
      const [before, after] = [lines(), lines()];
      const rows = sideBySide(before, after);
      expect(rows.flatMap((r) => r.before ?? []).join("\n")).toBe(before);
      expect(rows.flatMap((r) => r.after ?? []).join("\n")).toBe(after);
      expect(rows.every((r) => r.changed || r.before === r.after)).toBe(true);
    }
  });

  it("of equal texts changes nothing", () => {
    expect(sideBySide("a\nb", "a\nb").some((r) => r.changed)).toBe(false);
  });

  it("shows a line that came and one that went at their places", () => {
    expect(sideBySide("a\nb\nc", "a\nc\nd")).toEqual([
      { before: "a", after: "a", changed: false },
      { before: "b", after: null, changed: true },
      { before: "c", after: "c", changed: false },
      { before: null, after: "d", changed: true },
    ]);
  });

  it("shows a whole new text beside nothing", () => {
    expect(sideBySide("", "a\nb").map((r) => r.before)).toEqual([null, null]);
    expect(sideBySide("", "")).toEqual([]);
  });
});

describe("time", () => {
  const now = new Date("2026-03-03T12:00:00Z");
  const cases = [
    { name: "seconds", at: "2026-03-03T11:59:48Z", want: "12 seconds ago" },
    { name: "minutes", at: "2026-03-03T11:57:00Z", want: "3 minutes ago" },
    { name: "hours", at: "2026-03-03T07:00:00Z", want: "5 hours ago" },
    { name: "a day", at: "2026-03-02T12:00:00Z", want: "yesterday" },
    { name: "now", at: "2026-03-03T12:00:00Z", want: "now" },
  ];
  it.each(cases)("says $name as people do", ({ at, want }) => expect(agoTime(at, now)).toBe(want));

  it("is a date beyond a month", () => expect(agoTime("2025-12-24T12:00:00Z", now)).toMatch(/24 Dec 2025/));

  it("names UTC on hover", () => expect(utcTime("2026-03-03T13:00:00+01:00")).toBe("2026-03-03 12:00:00 UTC"));

  it("is the same instant after a field held it", () => {
    expect(instantOf(fieldOf("2026-03-03T12:34:00.000Z"))).toBe("2026-03-03T12:34:00.000Z");
    expect(instantOf("")).toBeUndefined();
    expect(instantOf("yesterday")).toBeUndefined();
  });
});
