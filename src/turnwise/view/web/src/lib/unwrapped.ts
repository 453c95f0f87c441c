/** Choices that all stand in the same mark (`<answer>left</answer>`) are shown without it. */

const WRAPPED = /^<([^<>]+)>(.+)<\/\1>$/su;

export function unwrapped(texts: readonly string[]): string[] {
  const inner = texts.map((text) => WRAPPED.exec(text.trim()));
  const marks = new Set(inner.map((match) => match?.[1]));
  if (marks.size !== 1 || marks.has(undefined)) return [...texts];
  return inner.map((match, place) => match?.[2] ?? texts[place] ?? "");
}
