/** What all parts of an episode's page know. */

import { createContext, use } from "react";

import type { EpisodeRef } from "@/api/queries";
import type { EpisodePage, Label } from "@/api/types";

export interface Reading {
  readonly episode: EpisodeRef;
  readonly page: EpisodePage;
  readonly roles: readonly string[];
  /** Labels of turns, by turn. */
  readonly labels: ReadonlyMap<number, readonly Label[]>;
  /** The turn that is being read. */
  readonly turn: number;
  readonly select: (turn: number) => void;
  readonly fork: (turn: number) => void;
  /** The address of a turn on this page. */
  readonly to: (turn: number) => string;
}

export const ReadingContext = createContext<Reading | undefined>(undefined);

export function useReading(): Reading {
  const reading = use(ReadingContext);
  if (reading === undefined) throw new Error("this part belongs on an episode's page");
  return reading;
}
