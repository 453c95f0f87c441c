/** Every question the page asks, with the key under which its answer is kept. Live changes void answers by key. */

import { QueryClient, queryOptions } from "@tanstack/react-query";

import { api, reply } from "./client";
import { ApiError, asApiError } from "./errors";
import type { paths } from "./schema";

type Query<Path extends keyof paths> = paths[Path] extends {
  get: { parameters: { query?: infer Asked } };
}
  ? NonNullable<Asked>
  : never;

export type RunsQuery = Query<"/api/runs">;
export type EpisodesQuery = Query<"/api/runs/{run}/episodes">;
export type CompareQuery = Query<"/api/compare">;
export type SearchQuery = Query<"/api/search">;
export type AgreementQuery = Query<"/api/agreement">;
export type LabelsQuery = Query<"/api/labels">;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (times, error) => asApiError(error).code === "offline" && times < 3,
      // What was deleted stays away; what could not be reached is asked again.
      refetchInterval: (query) => (asCode(query.state.error) === "offline" ? 3_000 : false),
      refetchOnWindowFocus: false,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

function asCode(error: unknown): ApiError["code"] | undefined {
  return error == null ? undefined : asApiError(error).code;
}

/** An episode by its place in the store. */
export interface EpisodeRef {
  readonly run: string;
  readonly number: number;
}

const within = (episode: EpisodeRef) => ["episode", episode.run, episode.number] as const;

export const ask = {
  about: () =>
    queryOptions({
      queryKey: ["about"],
      queryFn: ({ signal }) => reply(api.GET("/api/about", { signal })),
    }),

  runs: (query: RunsQuery) =>
    queryOptions({
      queryKey: ["runs", query],
      queryFn: ({ signal }) => reply(api.GET("/api/runs", { params: { query }, signal })),
    }),

  run: (run: string) =>
    queryOptions({
      queryKey: ["run", run],
      queryFn: ({ signal }) => reply(api.GET("/api/runs/{run}", { params: { path: { run } }, signal })),
    }),

  episodes: (run: string, query: EpisodesQuery) =>
    queryOptions({
      queryKey: ["episodes", run, query],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/runs/{run}/episodes", { params: { path: { run }, query }, signal })),
    }),

  episode: (episode: EpisodeRef) =>
    queryOptions({
      queryKey: [...within(episode), "outline"],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/runs/{run}/episodes/{number}", { params: { path: episode }, signal })),
    }),

  neighbours: (episode: EpisodeRef, query: EpisodesQuery) =>
    queryOptions({
      queryKey: [...within(episode), "neighbours", query],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/neighbours", {
            params: { path: episode, query },
            signal,
          }),
        ),
    }),

  turns: (episode: EpisodeRef, start: number, count: number) =>
    queryOptions({
      queryKey: [...within(episode), "turns", start, count],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/turns", {
            params: { path: episode, query: { start, count } },
            signal,
          }),
        ),
    }),

  text: (episode: EpisodeRef, turn: number, part: number, start: number, count: number) =>
    queryOptions({
      queryKey: [...within(episode), "text", turn, part, start, count],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/turns/{turn}/text", {
            params: { path: { ...episode, turn }, query: { part, start, count } },
            signal,
          }),
        ),
    }),

  tokens: (episode: EpisodeRef, turn: number, credit: string | undefined) =>
    queryOptions({
      queryKey: [...within(episode), "tokens", turn, credit],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/turns/{turn}/tokens", {
            params: {
              path: { ...episode, turn },
              query: credit === undefined ? { prompt: true } : { credit, prompt: true },
            },
            signal,
          }),
        ),
    }),

  credit: (episode: EpisodeRef, method: string) =>
    queryOptions({
      queryKey: [...within(episode), "credit", method],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/credit", {
            params: { path: episode, query: { method } },
            signal,
          }),
        ),
    }),

  difference: (episode: EpisodeRef, a: string, b: string, start: number, count: number) =>
    queryOptions({
      queryKey: [...within(episode), "difference", a, b, start, count],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/difference", {
            params: { path: episode, query: { a, b, start, count } },
            signal,
          }),
        ),
    }),

  view: (episode: EpisodeRef, role: string, call: number | undefined, start: number, count: number) =>
    queryOptions({
      queryKey: [...within(episode), "view", role, call, start, count],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/runs/{run}/episodes/{number}/views/{role}", {
            params: {
              path: { ...episode, role },
              query: call === undefined ? { start, count } : { call, start, count },
            },
            signal,
          }),
        ),
    }),

  frames: (episode: EpisodeRef) =>
    queryOptions({
      queryKey: [...within(episode), "frames"],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/runs/{run}/episodes/{number}/frames", { params: { path: episode }, signal })),
    }),

  tree: (episode: EpisodeRef) =>
    queryOptions({
      queryKey: ["tree", episode.run, episode.number],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/runs/{run}/episodes/{number}/tree", { params: { path: episode }, signal })),
    }),

  search: (query: SearchQuery) =>
    queryOptions({
      queryKey: ["search", query],
      queryFn: ({ signal }) => reply(api.GET("/api/search", { params: { query }, signal })),
      enabled: query.q.trim() !== "",
    }),

  compare: (query: CompareQuery) =>
    queryOptions({
      queryKey: ["compare", query],
      queryFn: ({ signal }) => reply(api.GET("/api/compare", { params: { query }, signal })),
    }),

  align: (a: string, b: string) =>
    queryOptions({
      queryKey: ["align", a, b],
      queryFn: ({ signal }) => reply(api.GET("/api/align", { params: { query: { a, b } }, signal })),
    }),

  environments: () =>
    queryOptions({
      queryKey: ["environments"],
      queryFn: ({ signal }) => reply(api.GET("/api/environments", { signal })),
      staleTime: Infinity,
    }),

  environment: (environment: string) =>
    queryOptions({
      queryKey: ["environment", environment],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/environments/{environment}", { params: { path: { environment } }, signal })),
      staleTime: Infinity,
    }),

  tasks: (environment: string, text: string) =>
    queryOptions({
      queryKey: ["tasks", environment, text],
      queryFn: ({ signal }) =>
        reply(
          api.GET("/api/environments/{environment}/tasks", {
            params: { path: { environment }, query: text === "" ? {} : { text } },
            signal,
          }),
        ),
      staleTime: Infinity,
    }),

  play: (play: string, seat: string) =>
    queryOptions({
      queryKey: ["play", play, seat],
      queryFn: ({ signal }) =>
        reply(api.GET("/api/plays/{play}", { params: { path: { play }, query: { seat } }, signal })),
      // Whoever asks is there: so the others are told, and it is seen when they come and go.
      refetchInterval: (query) => (query.state.data?.state === "ended" ? false : 4_000),
    }),

  labels: (query: LabelsQuery) =>
    queryOptions({
      queryKey: ["labels", query],
      queryFn: ({ signal }) => reply(api.GET("/api/labels", { params: { query }, signal })),
    }),

  agreement: (query: AgreementQuery) =>
    queryOptions({
      queryKey: ["agreement", query],
      queryFn: ({ signal }) => reply(api.GET("/api/agreement", { params: { query }, signal })),
    }),
} as const;
