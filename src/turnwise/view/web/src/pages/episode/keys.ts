/** The keys of an episode's page: j and k go by turns, the arrows by episodes, "/" searches. */

import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";

import { ask } from "@/api/queries";
import { useKeys } from "@/lib/keys";
import { paths } from "@/lib/paths";

import { episodesQuery } from "../run/query";
import type { Reading } from "./context";

export const FIND = "find-in-episode";

/**
 * The episodes before and after, among those of the filter one came from.
 *
 * @param filter The grid's query; empty for all of the run.
 */
export function useNeighbours({ episode, page }: Reading, filter: string) {
  const query = episodesQuery(new URLSearchParams(filter));
  const answer = useQuery({ ...ask.neighbours(episode, query), enabled: filter !== "" });
  const within: Record<string, string> = filter === "" ? {} : { in: filter };
  const to = (number: number | null | undefined) =>
    number == null ? undefined : paths.episode({ run: episode.run, number }, within);
  if (filter === "") return { previous: to(page.previous), next: to(page.next), place: null, total: null };
  const { previous, next, place = null, total = null } = answer.data ?? {};
  return { previous: to(previous), next: to(next), place, total };
}

export function useEpisodeKeys(reading: Reading, filter: string, help: () => void): void {
  const [, navigate] = useLocation();
  const { previous, next } = useNeighbours(reading, filter);
  const { turn, select, page } = reading;
  const last = page.turns.length - 1;
  useKeys({
    j: () => select(Math.min(turn + 1, last)),
    k: () => select(Math.max(turn - 1, 0)),
    g: () => select(0),
    G: () => select(last),
    ArrowLeft: () => {
      if (previous !== undefined) navigate(previous);
    },
    ArrowRight: () => {
      if (next !== undefined) navigate(next);
    },
    f: () => reading.fork(turn),
    "?": help,
    "/": () => document.getElementById(FIND)?.focus(),
  });
}
