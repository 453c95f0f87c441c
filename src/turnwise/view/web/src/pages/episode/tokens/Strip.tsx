/** The tokens in a row. One stop for Tab; arrows go from token to token. */

import { type KeyboardEvent, useRef } from "react";

import type { TokenShape } from "@/api/types";
import { strength, surprise } from "@/lib/shade";
import { visible } from "@/lib/visible";

import type { Shade } from "./Tokens";
import css from "./tokens.module.css";

export function Strip({
  tokens,
  shade,
  chosen,
  choose,
}: {
  tokens: readonly TokenShape[];
  shade: Shade;
  chosen: number;
  choose: (place: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const largest = Math.max(...tokens.map((token) => Math.abs(token.credit ?? 0)), 0);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.max(0, Math.min(tokens.length - 1, chosen + step));
    choose(next);
    box.current?.querySelector<HTMLElement>(`[data-place="${next}"]`)?.focus();
  };
  return (
    <div ref={box} className={css.strip} role="listbox" aria-label="Tokens" tabIndex={-1} onKeyDown={move}>
      {tokens.map((token, place) => (
        <span
          key={place}
          role="option"
          aria-selected={place === chosen}
          tabIndex={place === chosen ? 0 : -1}
          data-place={place}
          aria-label={token.text?.trim() === "" ? `white space, ${JSON.stringify(token.text)}` : undefined}
          data-sampled={token.sampled}
          className={css.token}
          {...shaded(token, shade, largest)}
          onFocus={() => choose(place)}
          onMouseEnter={() => choose(place)}
        >
          {written(token)}
        </span>
      ))}
    </div>
  );
}

function shaded(token: TokenShape, shade: Shade, largest: number): Record<string, string | number> {
  if (shade === "mask") return { "data-tone": "mask", "data-step": token.sampled ? 2 : 0 };
  if (shade === "logprob") {
    return token.logprob === null ? {} : { "data-tone": "likely", "data-step": surprise(token.logprob) };
  }
  if (token.credit === null) return {};
  return {
    "data-tone": token.credit < 0 ? "below" : "above",
    "data-step": strength(token.credit, largest),
  };
}

/** Spaces and line ends must be seen: they are tokens, too. */
function written(token: TokenShape): string {
  if (token.text === null) return `‹${token.id}›`;
  if (token.text === "") return "∅";
  const text = visible(token.text)
    .map((piece) => (piece.hidden ? `[${piece.text}]` : piece.text))
    .join("");
  return text.replaceAll("\n", "↵\n").replaceAll("\t", "→\t");
}
