/** Which picture of a world belongs to a turn. */

import type { FrameLine } from "@/api/types";

/** The last picture made before the turn after this one. */
export function standing(frames: readonly FrameLine[], turn: number): number {
  return Math.max(
    0,
    frames.findLastIndex((frame) => frame.turn <= turn + 1),
  );
}
