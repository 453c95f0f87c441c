/** The grid's filter as it stands in the address, and as the API is asked. */

import type { EpisodesQuery } from "@/api/queries";

const NUMBERS = [
  "score_min",
  "score_max",
  "score_below",
  "turns_min",
  "turns_max",
  "seconds_min",
  "seconds_max",
  "cost_min",
  "cost_max",
  "epoch",
] as const;
const TRUTHS = ["scored", "labelled"] as const;
const TEXTS = ["stop", "error", "task", "numbers", "text", "tag"] as const;
const SORTS = [
  "number",
  "task",
  "score",
  "turns",
  "output",
  "cost",
  "seconds",
  "stop",
  "tool_calls",
] as const;

/** Everything that narrows the grid. */
export const FILTERS: readonly string[] = [...NUMBERS, ...TRUTHS, ...TEXTS];

export function episodesQuery(params: URLSearchParams): EpisodesQuery {
  const query: EpisodesQuery = {};
  for (const name of NUMBERS) {
    const value = params.get(name);
    if (value !== null && value !== "" && Number.isFinite(Number(value))) query[name] = Number(value);
  }
  for (const name of TRUTHS) {
    const value = params.get(name);
    if (value === "true" || value === "false") query[name] = value === "true";
  }
  for (const name of TEXTS) {
    const value = params.get(name);
    if (value !== null && value !== "") query[name] = value;
  }
  const sort = SORTS.find((name) => name === params.get("sort"));
  if (sort !== undefined) query.sort = sort;
  const order = params.get("order");
  if (order === "asc" || order === "desc") query.order = order;
  return query;
}

/** The filter as a query string, to be kept while episodes are read one after another. */
export function queryText(query: EpisodesQuery): string {
  return new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)])).toString();
}
