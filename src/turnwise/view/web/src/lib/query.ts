/** The part of the address after "?": filters live there, so that a page can be sent to somebody. */

import { useCallback } from "react";
import { useLocation, useSearch } from "wouter";

export type Params = Readonly<Record<string, string | undefined>>;

export function useParams(): [URLSearchParams, (change: Params, how?: { replace?: boolean }) => void] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const set = useCallback(
    (change: Params, how: { replace?: boolean } = {}) => {
      const query = changed(new URLSearchParams(window.location.search), change).toString();
      navigate(query === "" ? path : `${path}?${query}`, { replace: how.replace ?? false });
    },
    [path, navigate],
  );
  return [new URLSearchParams(search), set];
}

/** `params` with some set anew, and those taken out that are undefined or empty. */
export function changed(params: URLSearchParams, change: Params): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === "") next.delete(key);
    else next.set(key, value);
  }
  return next;
}

/** The parameters among `names` as they are asked of the API: numbers and truths in their own types. */
export function pick(params: URLSearchParams, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value !== null && value !== "") picked[name] = value;
  }
  return picked;
}
