import { describe, expect, it } from "vitest";

import { ansi } from "@/lib/ansi";
import { fences } from "@/lib/fences";
import { links } from "@/lib/links";
import { plain, visible } from "@/lib/visible";

describe("what cannot be seen is marked", () => {
  it("names control and direction characters, and leaves words, tabs and line ends alone", () => {
    expect(plain("a\u202eb\u0000c\u001b[0m")).toBe("a[RLO]b[^@]c[ESC][0m");
    expect(plain("tab\there\nline\r\nend")).toBe("tab\there\nline\r\nend");
    expect(plain("héllo 日本 👩‍👩‍👧 ابجد")).toBe("héllo 日本 👩‍👩‍👧 ابجد");
  });

  it("names halves of surrogate pairs and hidden tags", () => {
    expect(plain("\ud83d x \udc00")).toBe("[U+D83D] x [U+DC00]");
    expect(plain("\u{e0041}")).toBe("[U+E0041]");
  });

  it("loses nothing", () => {
    const text = "one \u200b two \u2066 three \ufeff";
    const words = visible(text).filter((piece) => piece.hidden === undefined);
    expect(words.map((piece) => piece.text).join("|")).toBe("one | two | three ");
  });
});

describe("links", () => {
  const hrefs = (text: string) => links(text).flatMap((stretch) => stretch.href ?? []);

  it("finds http and https, without the sentence round them", () => {
    expect(hrefs("See https://a.example/b?c=1, or (http://d.example/e).")).toEqual([
      "https://a.example/b?c=1",
      "http://d.example/e",
    ]);
    expect(hrefs("https://en.example/wiki/Turn_(game)")).toEqual(["https://en.example/wiki/Turn_(game)"]);
  });

  it("links nothing else", () => {
    expect(hrefs("javascript:alert(1) data:text/html,x file:///etc/passwd ftp://x")).toEqual([]);
    expect(hrefs("https://bank.example@evil.example/")).toEqual([]);
    expect(hrefs("https://bank.example\u202e/moc")).toEqual(["https://bank.example/"]);
  });

  it("keeps all of the text", () => {
    const text = "a https://x.example/ b <https://y.example> c";
    expect(
      links(text)
        .map((stretch) => stretch.text)
        .join(""),
    ).toBe(text);
  });
});

describe("fences and boards", () => {
  it("finds code with its language, closed or not", () => {
    expect(fences("do\n```python\nx = 1\n```\ndone")).toEqual([
      { kind: "text", text: "do" },
      { kind: "code", language: "python", text: "x = 1" },
      { kind: "text", text: "done" },
    ]);
    expect(fences("~~~\nopen")).toEqual([{ kind: "code", language: "", text: "open" }]);
    expect(fences("````md\n```\ninner\n```\n````")).toEqual([
      { kind: "code", language: "md", text: "```\ninner\n```" },
    ]);
  });

  it("tells a drawn board from words", () => {
    expect(fences("Now:\n#####\n#_P_#\n#####\nYour move?")).toEqual([
      { kind: "text", text: "Now:" },
      { kind: "board", text: "#####\n#_P_#\n#####" },
      { kind: "text", text: "Your move?" },
    ]);
    expect(fences("Yes.\nNo way.\nWell").map((block) => block.kind)).toEqual(["text"]);
  });

  it("is quick on a text that is all fences", () => {
    expect(fences("```\n".repeat(20_001))).toHaveLength(10_001);
  });
});

describe("terminal colours", () => {
  it("become names, and other escapes stay to be shown", () => {
    expect(ansi("\u001b[1;31mred\u001b[0m plain \u001b[2J")).toEqual([
      { text: "red", bold: true, ink: "red" },
      { text: " plain \u001b[2J" },
    ]);
  });
});
