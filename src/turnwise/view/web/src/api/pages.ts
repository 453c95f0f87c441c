/** Long lists in pages: only those in sight are asked for, and all that was seen is kept. */

import { type QueryKey, type UseQueryOptions, useQueries } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";

import { type ApiError, asApiError } from "./errors";

export interface Pages<Row> {
  /** Rows there are; 0 until that is known. */
  readonly total: number;
  readonly row: (place: number) => Row | undefined;
  /** Say which rows are in sight. */
  readonly look: (first: number, last: number) => void;
  readonly error: ApiError | undefined;
  readonly loading: boolean;
  readonly retry: () => void;
}

/**
 * @param size Rows of a page.
 * @param page How to ask for the page that begins at a row.
 * @param rows Where an answer has its rows.
 * @param at The row that will be in sight first.
 */
export function usePages<Data extends { readonly total: number }, Key extends QueryKey, Row>(
  size: number,
  page: (offset: number) => UseQueryOptions<Data, Error, Data, Key>,
  rows: (data: Data) => readonly Row[],
  at = 0,
): Pages<Row> {
  const begin = Math.floor(at / size);
  const [[from, to], setRange] = useState<readonly [number, number]>([begin, begin]);
  const numbers = useMemo(
    () => Array.from({ length: to - from + 1 }, (_, place) => from + place),
    [from, to],
  );
  const answers = useQueries({ queries: numbers.map((number) => page(number * size)) });
  const [known, setKnown] = useState(0);
  const total = answers.find((answer) => answer.data !== undefined)?.data?.total ?? known;
  // While a further page is on its way the list keeps its length.
  if (total !== known) setKnown(total);
  const look = useCallback(
    (first: number, last: number) => {
      const next = [Math.floor(first / size), Math.floor(last / size)] as const;
      setRange((now) => (now[0] === next[0] && now[1] === next[1] ? now : next));
    },
    [size],
  );
  const failed = answers.find((answer) => answer.error !== null);
  return {
    total,
    row: (place) => {
      const data = answers[Math.floor(place / size) - from]?.data;
      return data === undefined ? undefined : rows(data)[place % size];
    },
    look,
    error: failed?.error && failed.data === undefined ? asApiError(failed.error) : undefined,
    loading: answers.some((answer) => answer.isPending),
    retry: () => void Promise.all(answers.map((answer) => answer.refetch())),
  };
}
