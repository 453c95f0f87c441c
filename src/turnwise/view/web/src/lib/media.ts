/** How wide the window is, in the steps the design knows. */

import { useSyncExternalStore } from "react";

/** 1 a phone, 2 a tablet or half a screen, 3 a laptop, 4 a wide screen */
export type Room = 1 | 2 | 3 | 4;

const STEPS: readonly (readonly [Room, MediaQueryList])[] = [
  [4, window.matchMedia("(min-width: 1800px)")],
  [3, window.matchMedia("(min-width: 1080px)")],
  [2, window.matchMedia("(min-width: 680px)")],
];

function subscribe(listener: () => void): () => void {
  for (const [, query] of STEPS) query.addEventListener("change", listener);
  return () => {
    for (const [, query] of STEPS) query.removeEventListener("change", listener);
  };
}

export function useRoom(): Room {
  return useSyncExternalStore(subscribe, () => STEPS.find(([, query]) => query.matches)?.[0] ?? 1);
}
