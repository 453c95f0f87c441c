import { describe, expect, it } from "vitest";

import type { MessageShape, TreeNode } from "@/api/types";
import { changesOf, stateAt } from "@/lib/changes";
import { clicks, onScreen } from "@/lib/clicks";
import { named, parsed, paths } from "@/lib/paths";
import { changed } from "@/lib/query";
import { located } from "@/lib/selection";
import { strength, surprise } from "@/lib/shade";
import { standing } from "@/lib/standing";
import { inOrder } from "@/pages/fork/tree";
import { criterionOf, keyOf } from "@/pages/label/criterion";
import { episodesQuery, queryText } from "@/pages/run/query";

function message(text: string, calls: MessageShape["tool_calls"] = []): MessageShape {
  const part = { kind: "text" as const, text, size: text.length };
  return {
    role: "assistant",
    name: null,
    parts: [{ ...part, sha256: null, media_type: null, name: null, url: null }],
    reasoning: null,
    tool_calls: calls,
    tool_call_id: null,
  };
}

describe("what tools changed", () => {
  const note = (turn: number, changes: unknown) => ({
    name: "changes",
    turn,
    value: { desk: "Shop", tool: "cancel", by: "agent", changes },
  });

  it("adds up to the state at a turn", () => {
    const all = [
      note(3, [
        { at: ["orders", "7", "status"], was: "open", now: "sent" },
        { at: ["orders", "8"], now: { status: "open" } },
      ]),
      note(6, [{ at: ["orders", "7", "status"], was: "sent", now: "open" }]),
      note(8, [{ at: ["orders", "8"], was: { status: "open" } }]),
      note(9, [{ at: ["note"], was: "a" }]),
    ].flatMap((one) => changesOf(one) ?? []);
    expect(stateAt(all, 2)).toEqual([]);
    expect(stateAt(all, 3).map(({ at, turn }) => [at.join("/"), turn])).toEqual([
      ["orders/7/status", 3],
      ["orders/8", 3],
    ]);
    expect(stateAt(all, 6).map(({ at }) => at.join("/"))).toEqual(["orders/8"]);
    expect(stateAt(all, 9)).toEqual([{ desk: "Shop", at: ["note"], turn: 9, was: "a" }]);
  });

  it("is read from notes of that form alone", () => {
    expect(changesOf(note(1, "all of it"))).toBeUndefined();
    expect(changesOf(note(1, [{ at: [1] }]))).toBeUndefined();
    expect(changesOf({ ...note(1, []), value: null })).toBeUndefined();
    expect(changesOf({ ...note(1, []), name: "note" })).toBeUndefined();
  });
});

describe("clicks", () => {
  it("are read from words and from arguments", () => {
    expect(clicks(message("first click(1, 2), then click(40, 300)"))).toEqual([
      { x: 40, y: 300, label: "click" },
    ]);
    const call = { id: "1", name: "tap", arguments: '{"coordinate": [0.5, 0.25]}', size: 1, valid: true };
    expect(clicks(message("", [call]))).toEqual([{ x: 0.5, y: 0.25, label: "tap" }]);
    expect(clicks(message("", [{ ...call, arguments: "{broken" }]))).toEqual([]);
  });

  it("stand on the screen, in pixels or in shares, or beside it", () => {
    expect(onScreen({ x: 50, y: 25, label: "" }, 100, 100)).toEqual({ left: 0.5, top: 0.25 });
    expect(onScreen({ x: 0.5, y: 0.25, label: "" }, 640, 480)).toEqual({ left: 0.5, top: 0.25 });
    expect(onScreen({ x: 700, y: 1, label: "" }, 640, 480)).toBeUndefined();
  });
});

describe("addresses", () => {
  it("name an episode and a turn, whatever the run is called", () => {
    expect(parsed("gym:ALE/Pong-v5-ab/12@7")).toEqual({ run: "gym:ALE/Pong-v5-ab", number: 12, turn: 7 });
    expect(parsed("only-a-run")).toBeUndefined();
    expect(named({ run: "r", number: 3 }, 4)).toBe("r/3@4");
    expect(paths.episode({ run: "a/b?c", number: 1 }, { turn: 2 })).toBe("/runs/a%2Fb%3Fc/episodes/1?turn=2");
  });

  it("keep a filter in their own types", () => {
    const query = episodesQuery(
      new URLSearchParams("score_min=0.5&scored=true&stop=error&turns_min=x&sort=evil"),
    );
    expect(query).toEqual({ score_min: 0.5, scored: true, stop: "error" });
    expect(queryText(query)).toBe("score_min=0.5&scored=true&stop=error");
    expect(changed(new URLSearchParams("a=1&b=2"), { a: "", c: "3" }).toString()).toBe("b=2&c=3");
    expect(keyOf(criterionOf("score:a:b"))).toBe("score:a:b");
    expect(criterionOf("nonsense")).toEqual({ kind: "thumb", name: "" });
  });
});

describe("shades", () => {
  it("grow with surprise and with credit", () => {
    expect([-0.01, -0.5, -1.5, -4, -9].map(surprise)).toEqual([0, 1, 2, 3, 4]);
    expect([0, 0.1, -1, 2].map((value) => strength(value, 2))).toEqual([0, 1, 2, 4]);
  });
});

describe("the tree of forks", () => {
  const node = (episode: string, parent: string | null, at = 0): TreeNode => ({
    episode,
    parent,
    at,
    turns: 1,
    score: null,
    stop: null,
    live: false,
    agents: {},
    says: null,
    edited: false,
  });

  it("is read branch by branch, and a parent that is gone makes no orphan vanish", () => {
    const placed = inOrder([
      node("a", null),
      node("c", "a", 9),
      node("b", "a", 2),
      node("d", "b"),
      node("x", "gone"),
    ]);
    expect(
      placed.map(({ node: { episode }, depth, leaf }) => `${episode}${depth}${leaf ? "!" : ""}`),
    ).toEqual(["a0", "b1", "d2!", "c1!", "x0!"]);
  });
});

describe("selection and pictures", () => {
  it("finds the selected words in the text", () => {
    expect(located("I can give you half", " give you ")).toEqual({ start: 6, end: 14, text: "give you" });
    expect(located("abc", "xyz")).toBeUndefined();
    expect(located("abc", "  ")).toBeUndefined();
  });

  it("shows the last picture made before the next turn", () => {
    const frames = [0, 2, 4].map((turn) => ({ turn, url: "", label: "" }));
    expect([0, 1, 2, 3, 9].map((turn) => standing(frames, turn))).toEqual([0, 1, 1, 2, 2]);
    expect(standing([], 3)).toBe(0);
  });
});
