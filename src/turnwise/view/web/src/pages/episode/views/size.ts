/** Turns are asked for in pages of this many. */

export const SIZE = 50;

/** Where the page of a turn begins. */
export function beginOf(turn: number): number {
  return Math.floor(turn / SIZE) * SIZE;
}
