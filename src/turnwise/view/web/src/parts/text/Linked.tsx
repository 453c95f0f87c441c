/** Text whose http(s) addresses are links that lead out of the page and tell it nothing. */

import { links } from "@/lib/links";

import { Visible } from "./Visible";

export function Linked({ text }: { text: string }) {
  return links(text).map((stretch, place) =>
    stretch.href === undefined ? (
      <Visible key={place} text={stretch.text} />
    ) : (
      <a key={place} href={stretch.href} target="_blank" rel="noopener noreferrer nofollow">
        {stretch.text}
      </a>
    ),
  );
}
