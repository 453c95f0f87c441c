/** Server-sent events: one connection a page. They say what changed; the answers concerned are asked for anew. */

import { useEffect, useSyncExternalStore } from "react";

import { parsed } from "@/lib/paths";

import { ask, queries } from "./queries";
import type { components } from "./schema";

type Event = components["schemas"]["Event"];
export type Connection = "connecting" | "live" | "lost";

interface Watched {
  readonly episode?: string;
  readonly play?: string;
}

const KINDS = ["hello", "run", "gone", "episode", "play", "index", "labels"] as const;
/** Charts of a run are asked for at most this often while it goes on. */
const CALM = 1_500;

let source: EventSource | undefined;
let watched: Watched = {};
let connection: Connection = "connecting";
let planned = false;
const listeners = new Set<() => void>();

function tell(next: Connection): void {
  if (next === connection) return;
  const back = connection === "lost" && next === "live";
  connection = next;
  // What was missed while the connection was away.
  if (back) void queries.invalidateQueries();
  for (const listener of listeners) listener();
}

function open(): void {
  planned = false;
  close();
  if (document.hidden) return;
  const query = new URLSearchParams({ ...watched }).toString();
  source = new EventSource(`/api/events${query === "" ? "" : `?${query}`}`);
  source.onopen = () => tell("live");
  source.onerror = () => {
    tell("lost");
    // A server that answered with an error closes for good; go on trying, calmly.
    if (source?.readyState === EventSource.CLOSED) setTimeout(plan, 3_000);
  };
  source.onmessage = receive;
  for (const kind of KINDS) source.addEventListener(kind, receive);
}

function close(): void {
  source?.close();
  source = undefined;
}

// A browser allows a server six connections, over all its tabs: those out of sight give theirs back.
document.addEventListener("visibilitychange", () => {
  if (listeners.size === 0) return;
  if (document.hidden) {
    close();
    connection = "lost";
  } else {
    plan();
  }
});

/** Opens (anew) once the present work is done, however many parts of a page asked for it. */
function plan(): void {
  if (planned) return;
  planned = true;
  setTimeout(open, 0);
}

function receive(message: MessageEvent<string>): void {
  tell("live");
  handle(JSON.parse(message.data) as Event);
}

const waiting = new Map<string, ReturnType<typeof setTimeout>>();

/** Voids the answers under a key, at most once in `CALM`; unless they turn out to be final. */
function refresh(key: readonly unknown[], wait = CALM, final = () => false): void {
  const name = JSON.stringify(key);
  if (waiting.has(name)) return;
  waiting.set(
    name,
    setTimeout(() => {
      waiting.delete(name);
      // An answer that is on its way may be older than the news; one that is cut off each time never comes.
      if (queries.isFetching({ queryKey: key }) > 0) refresh(key, 100, final);
      else if (!final()) void queries.invalidateQueries({ queryKey: key });
    }, wait),
  );
}

function missed(): void {
  if (watched.play !== undefined) refresh(["play", watched.play], 0);
  const episode = watched.episode === undefined ? undefined : parsed(watched.episode);
  if (episode !== undefined) {
    // What is over does not change, and may be large.
    const over = () => queries.getQueryData(ask.episode(episode).queryKey)?.live === false;
    refresh(["episode", episode.run, episode.number], 0, over);
  }
}

function handle(event: Event): void {
  switch (event.kind) {
    case "run":
      refresh(["runs"], 600);
      refresh(["run", event.run]);
      refresh(["episodes", event.run]);
      break;
    case "gone":
      refresh(["runs"], 0);
      for (const key of ["run", "episodes", "episode"]) refresh([key, event.run], 0);
      break;
    case "episode":
      refresh(["episode", event.run, event.episode], 150);
      refresh(["tree"]);
      break;
    case "play":
      refresh(["play", event.play], 0);
      break;
    case "labels":
      for (const key of ["labels", "agreement", "about", "episodes"]) refresh([key], 300);
      break;
    case "index":
      refresh(["search"]);
      break;
    case "hello":
      // What changed between the first answer and this moment was told to nobody.
      missed();
      break;
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (source === undefined) plan();
  return () => listeners.delete(listener);
}

/** How the connection to the server stands. */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => connection);
}

/** Be told of one episode's (`RUN/NUMBER`) or play's changes while this is shown. */
export function useWatched(kind: keyof Watched, name: string | undefined): void {
  useEffect(() => {
    if (name === undefined) return undefined;
    watched = { ...watched, [kind]: name };
    plan();
    return () => {
      const { [kind]: _, ...rest } = watched;
      watched = rest;
      plan();
    };
  }, [kind, name]);
}
