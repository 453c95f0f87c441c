/**
 * Characters that would deceive a reader are shown as marks: control characters, zero-width ones, those that turn
 * the direction of writing, and halves of surrogate pairs. New lines and tabs stay what they are.
 */

export interface Piece {
  readonly text: string;
  /** What the mark stands for, in words; absent for ordinary text. */
  readonly hidden?: string;
}

const NAMES: ReadonlyMap<number, readonly [string, string]> = new Map([
  [0x1b, ["ESC", "escape"]],
  [0x00ad, ["SHY", "soft hyphen"]],
  [0x061c, ["ALM", "Arabic letter mark"]],
  [0x200b, ["ZWSP", "zero-width space"]],
  [0x200e, ["LRM", "left-to-right mark"]],
  [0x200f, ["RLM", "right-to-left mark"]],
  [0x2028, ["LS", "line separator"]],
  [0x2029, ["PS", "paragraph separator"]],
  [0x202a, ["LRE", "left-to-right embedding"]],
  [0x202b, ["RLE", "right-to-left embedding"]],
  [0x202c, ["PDF", "pop directional formatting"]],
  [0x202d, ["LRO", "left-to-right override"]],
  [0x202e, ["RLO", "right-to-left override"]],
  [0x2060, ["WJ", "word joiner"]],
  [0x2066, ["LRI", "left-to-right isolate"]],
  [0x2067, ["RLI", "right-to-left isolate"]],
  [0x2068, ["FSI", "first strong isolate"]],
  [0x2069, ["PDI", "pop directional isolate"]],
  [0xfeff, ["BOM", "byte order mark"]],
]);

// Joiners (U+200C, U+200D) belong to scripts and emoji and are left alone; tags (U+E0000…) carry hidden text.
const ODD =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/gu;

function named(code: number): Piece {
  const known = NAMES.get(code);
  if (known) return { text: known[0], hidden: known[1] };
  if (code < 0x20) return { text: `^${String.fromCharCode(code + 64)}`, hidden: `control character ${code}` };
  const hex = code.toString(16).toUpperCase().padStart(4, "0");
  return { text: `U+${hex}`, hidden: `character U+${hex}` };
}

/** `text` in pieces: ordinary text, and marks for what could not be seen. */
export function visible(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ODD)) {
    // A carriage return before a new line is how some systems end lines.
    if (match[0] === "\r" && text[match.index + 1] === "\n") continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push(named(match[0].codePointAt(0) ?? 0));
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** One line of plain text in which every odd character is named, for titles and attributes. */
export function plain(text: string): string {
  return visible(text)
    .map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text))
    .join("");
}
