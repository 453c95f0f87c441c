/** Addresses of pages. */

import type { EpisodeRef } from "@/api/queries";

const part = encodeURIComponent;

export const paths = {
  runs: () => "/",
  run: (run: string, query = "") => `/runs/${part(run)}${query === "" ? "" : `?${query}`}`,
  episode: (episode: EpisodeRef, query: Readonly<Record<string, string | number>> = {}) => {
    const text = new URLSearchParams(
      Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
    ).toString();
    return `/runs/${part(episode.run)}/episodes/${episode.number}${text === "" ? "" : `?${text}`}`;
  },
  tree: (episode: EpisodeRef) => `/runs/${part(episode.run)}/episodes/${episode.number}/tree`,
  compare: (runs: readonly string[]) =>
    `/compare?${new URLSearchParams({ runs: runs.join(",") }).toString()}`,
  align: (a: string, b: string) => `/align?${new URLSearchParams({ a, b }).toString()}`,
  play: () => "/play",
  seat: (play: string, key: string) => `/play/${part(play)}?seat=${part(key)}`,
  label: () => "/label",
  search: (q: string) => `/search?${new URLSearchParams({ q }).toString()}`,
};

/** `RUN/NUMBER`, or `RUN/NUMBER@TURN`, in its parts. */
export function parsed(name: string): (EpisodeRef & { turn?: number }) | undefined {
  const match = /^(.+)\/(\d+)(?:@(\d+))?$/u.exec(name);
  if (!match) return undefined;
  const episode = { run: match[1] ?? "", number: Number(match[2]) };
  return match[3] === undefined ? episode : { ...episode, turn: Number(match[3]) };
}

export function named(episode: EpisodeRef, turn?: number): string {
  return `${episode.run}/${episode.number}${turn === undefined ? "" : `@${turn}`}`;
}
