/** What tools changed in the state they share: read out of an episode's notes (`changes`), added up by turn. */

import type { NoteLine } from "@/api/types";

import { isTable } from "./json";

/** One place of a desk's state, and what stood there before and after. */
export interface Change {
  readonly at: readonly string[];
  /** Left out where nothing stood there. */
  readonly was?: unknown;
  /** Left out where nothing stands there any more. */
  readonly now?: unknown;
}

/** All that one call changed. */
export interface Changes {
  readonly turn: number;
  readonly desk: string;
  readonly tool: string;
  readonly by: string;
  readonly changes: readonly Change[];
}

/** A place as it stands, with its way there. */
export interface Standing extends Change {
  readonly desk: string;
  /** The turn that changed it last. */
  readonly turn: number;
}

/** A note read as changes; undefined where it is none. Notes are anybody's: nothing is taken on trust. */
export function changesOf(note: NoteLine): Changes | undefined {
  const value: unknown = note.value;
  if (note.name !== "changes" || note.turn === null || !isTable(value)) return undefined;
  const { desk, tool, by, changes } = value;
  if (typeof desk !== "string" || typeof tool !== "string" || typeof by !== "string") return undefined;
  if (!Array.isArray(changes) || !changes.every(isChange)) return undefined;
  return { turn: note.turn, desk, tool, by, changes };
}

/** Every place that was changed up to a turn: as it was at the start, and as it stands there. */
export function stateAt(all: readonly Changes[], turn: number): Standing[] {
  const places = new Map<string, Standing>();
  for (const { desk, turn: when, changes } of all) {
    if (when > turn) continue;
    for (const { at, was, now } of changes) {
      const key = JSON.stringify([desk, ...at]);
      const known = places.get(key);
      places.set(key, {
        desk,
        at,
        turn: when,
        ...spread("was", known === undefined ? was : known.was),
        ...spread("now", now),
      });
    }
  }
  return [...places.values()].filter(({ was, now }) => JSON.stringify(was) !== JSON.stringify(now));
}

function spread(name: "was" | "now", value: unknown): Partial<Change> {
  return value === undefined ? {} : { [name]: value };
}

function isChange(value: unknown): value is Change {
  return isTable(value) && Array.isArray(value.at) && value.at.every((part) => typeof part === "string");
}
