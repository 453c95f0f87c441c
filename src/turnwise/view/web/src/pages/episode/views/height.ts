/** How high a turn will be, before it was drawn: so that the scroll bar is about right from the start. */

import type { TurnLine } from "@/api/types";

const HEAD = 58;
const LINE = 22;
const PICTURE = 300;

export function height(line: TurnLine | undefined): number {
  if (line === undefined) return HEAD + LINE;
  const lines = Math.min(Math.ceil(line.size / 85) || 1, 40);
  return HEAD + lines * LINE + line.media * PICTURE + line.tools.length * 60;
}
