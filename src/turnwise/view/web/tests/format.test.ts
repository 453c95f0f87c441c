import { describe, expect, it } from "vitest";

import { clip, count, duration, money, percent, rough, score, short, signed, when } from "@/lib/format";
import { pretty } from "@/lib/json";

describe("numbers", () => {
  it("never makes a missing value a zero", () => {
    for (const told of [count, short, score, signed, duration, money, percent, rough]) {
      expect(told(null)).toBe("–");
      expect(told(undefined)).toBe("–");
    }
  });

  it("are short and exact enough", () => {
    expect(score(0.30000000000000004)).toBe("0.3");
    expect(score(-2)).toBe("−2");
    expect(score(0.00001)).toBe("1.0e−5");
    expect(signed(0.5)).toBe("+0.5");
    expect(rough(-119.612)).toBe("−120");
    expect(percent(0.075, 1)).toBe("7.5 %");
    expect(short(12_345)).toMatch(/^12\.3k$/iu);
    expect(money(0.00123)).toBe("0.0012");
  });

  it("tell times in the unit that fits", () => {
    expect([0, 0.00008, 0.0042, 0.34, 2.44, 185, 7800].map(duration)).toEqual([
      "0 s",
      "80 µs",
      "4.2 ms",
      "340 ms",
      "2.4 s",
      "3 min 05 s",
      "2 h 10 min",
    ]);
    expect(when(new Date(Number.NaN))).toBe("–");
  });
});

describe("text", () => {
  it("is clipped between characters, not within one", () => {
    expect(clip("ab👍cd", 3)).toBe("ab…");
    expect(clip("ab", 3)).toBe("ab");
  });

  it("sets JSON out, however deep", () => {
    expect(pretty({ a: [1, 2], b: "x" })).toBe('{"a": [1, 2], "b": "x"}');
    const deep = JSON.parse("[".repeat(5000) + "]".repeat(5000)) as unknown;
    expect(pretty(deep)).toContain("nested deeper");
  });
});
