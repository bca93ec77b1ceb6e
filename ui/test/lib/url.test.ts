import { describe, expect, it } from "vitest";
import { asFlag, asNumber, asOneOf, asText, asTexts, parseQuery, writeQuery } from "../../src/lib/url";
import { numbers, textOf } from "../random";

describe("the URL's query", () => {
  it("is read as it was written, for any text", () => {
    const next = numbers(7);
    for (let i = 0; i < 500; i++) {
      const one = textOf(next, "a#&=?%+/ é😀[].", 8) || "x";
      const many = [textOf(next, "b#&=%+ ", 5) || "y", textOf(next, "c&=", 5) || "z"];
      expect(parseQuery(writeQuery({ one, many }).slice(1))).toEqual({ one, many });
    }
  });

  it("leaves out what is empty, false or absent", () => {
    expect(writeQuery({ a: "", b: false, c: undefined, d: null, e: [] })).toBe("");
    expect(writeQuery({ a: true, b: 3 })).toBe("?a=1&b=3");
  });

  const cases = [
    { name: "text", got: asText("a"), want: "a" },
    { name: "the first of several texts", got: asText(["a", "b"]), want: "a" },
    { name: "no empty text", got: asText(""), want: undefined },
    { name: "no text from a number", got: asText(3), want: undefined },
    { name: "several texts from one", got: asTexts("a"), want: ["a"] },
    { name: "several texts without empty ones", got: asTexts(["a", ""]), want: ["a"] },
    { name: "no texts", got: asTexts(undefined), want: undefined },
    { name: "a flag written", got: asFlag("1"), want: true },
    { name: "a flag set", got: asFlag(true), want: true },
    { name: "no flag from anything else", got: asFlag("yes"), want: undefined },
    { name: "one of those allowed", got: asOneOf("UP", ["UP", "DOWN"]), want: "UP" },
    { name: "none of those allowed", got: asOneOf("SIDE", ["UP", "DOWN"]), want: undefined },
    { name: "a number", got: asNumber("42"), want: 42 },
    { name: "a number set", got: asNumber(42), want: 42 },
    { name: "no number from zero", got: asNumber("0"), want: undefined },
    { name: "no number from words", got: asNumber("4x"), want: undefined },
    { name: "no number beyond what is exact", got: asNumber("9007199254740993"), want: undefined },
  ];
  it.each(cases)("reads $name", ({ got, want }) => expect(got).toEqual(want));
});
