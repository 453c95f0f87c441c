/** Splits text at fenced code (``` or ~~~), so that code can be coloured; nothing is added or lost. */

export type Block = { readonly kind: "text"; readonly text: string } | CodeBlock;

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
    if (prose.some((line) => line.trim() !== "")) blocks.push({ kind: "text", text: prose.join("\n") });
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
