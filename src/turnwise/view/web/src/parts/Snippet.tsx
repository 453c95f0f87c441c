/** A piece of a turn with the words that were found. */

import type { ReactNode } from "react";

import { Visible } from "./text/Visible";

interface Found {
  readonly snippet: string;
  /** Start and end of each place where words were found. */
  readonly ranges: readonly (readonly number[])[];
}

export function Snippet({ hit }: { hit: Found }) {
  const pieces: ReactNode[] = [];
  let end = 0;
  for (const [from = 0, to = from] of hit.ranges) {
    if (from > end) pieces.push(<Visible key={end} text={hit.snippet.slice(end, from)} />);
    pieces.push(
      <mark key={`${from}-found`}>
        <Visible text={hit.snippet.slice(from, to)} />
      </mark>,
    );
    end = to;
  }
  if (end < hit.snippet.length) pieces.push(<Visible key={end} text={hit.snippet.slice(end)} />);
  return <span dir="auto">{pieces}</span>;
}
