/** Terminal colours (SGR escapes) as spans with a colour name. Any other escape is left in the text, to be shown. */

export interface Span {
  readonly text: string;
  readonly ink?: Ink;
  readonly bold?: boolean;
}

const INKS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
export type Ink = (typeof INKS)[number];

// eslint-disable-next-line no-control-regex
const SGR = /\u001b\[([0-9;]{0,64})m/gu;

interface Style {
  ink?: Ink;
  bold?: boolean;
}

function changed(style: Style, codes: string): Style {
  let now = { ...style };
  for (const code of codes.split(";").map(Number)) {
    const ink = INKS[code % 10];
    if (code === 0) now = {};
    else if (code === 1) now.bold = true;
    else if (code === 22) delete now.bold;
    else if (code === 39) delete now.ink;
    else if (ink && ((code >= 30 && code < 38) || (code >= 90 && code < 98))) now.ink = ink;
  }
  return now;
}

export function ansi(text: string): Span[] {
  const spans: Span[] = [];
  let style: Style = {};
  let end = 0;
  for (const match of text.matchAll(SGR)) {
    if (match.index > end) spans.push({ text: text.slice(end, match.index), ...style });
    style = changed(style, match[1] ?? "");
    end = match.index + match[0].length;
  }
  if (end < text.length) spans.push({ text: text.slice(end), ...style });
  return spans;
}
