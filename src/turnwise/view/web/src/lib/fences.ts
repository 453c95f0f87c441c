/** Splits text at fenced code (``` or ~~~) and at drawn boards, so that each is shown in its own way. */

export type Block = TextBlock | CodeBlock;

export interface TextBlock {
  /** `board`: lines drawn with characters, which only stand right where each is as wide as the next. */
  readonly kind: "text" | "board";
  readonly text: string;
}

export interface CodeBlock {
  readonly kind: "code";
  readonly text: string;
  readonly language: string;
}

const OPEN = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`{]*)[^\n`]*$/u;

export function fences(text: string): Block[] {
  const blocks: Block[] = [];
  let prose: string[] = [];
  const lines = text.split("\n");
  const flush = () => {
    blocks.push(...boards(prose));
    prose = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const open = OPEN.exec(line.trimEnd());
    if (!open) {
      prose.push(line);
      continue;
    }
    const mark = open[1] ?? "```";
    const close = lines.findIndex((later, place) => place > at && closes(later, mark));
    flush();
    const last = close === -1 ? lines.length : close;
    blocks.push({
      kind: "code",
      language: (open[2] ?? "").toLowerCase(),
      text: lines.slice(at + 1, last).join("\n"),
    });
    at = last;
  }
  flush();
  return blocks;
}

function closes(line: string, mark: string): boolean {
  const text = line.trim();
  return text.length >= mark.length && text === (mark[0] ?? "`").repeat(text.length);
}

/** Lines of text, with what is drawn in them apart. */
function boards(lines: readonly string[]): TextBlock[] {
  const blocks: TextBlock[] = [];
  let from = 0;
  let at = 0;
  const push = (kind: TextBlock["kind"], part: readonly string[]) => {
    const text = part.join("\n").replace(/^\n+|\n+$/gu, "");
    if (text.trim() !== "") blocks.push({ kind, text });
  };
  while (at < lines.length) {
    let end = at;
    while (end < lines.length && drawn(lines[end] ?? "")) end++;
    if (isBoard(lines.slice(at, end))) {
      push("text", lines.slice(from, at));
      push("board", lines.slice(at, end));
      from = end;
    }
    at = Math.max(end, at + 1);
  }
  push("text", lines.slice(from));
  return blocks;
}

/** A line without words: walls, cells, coordinates. */
function drawn(line: string): boolean {
  return line.length > 1 && line.length < 200 && !/\p{L}{3}/u.test(line);
}

/** Several such lines, of one length or mostly of signs. */
function isBoard(lines: readonly string[]): boolean {
  if (lines.length < 2) return false;
  const even = lines.every((line) => line.trimEnd().length === lines[0]?.trimEnd().length);
  const text = lines.join("");
  const signs = text.replace(/[\p{L}\p{N}]/gu, "").length;
  return (even && lines.length > 2) || signs > text.length * 0.5;
}
