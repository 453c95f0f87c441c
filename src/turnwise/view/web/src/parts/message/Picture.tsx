/** A picture of a message, with the places that were pointed at. */

import { useState } from "react";

import { type Click, onScreen } from "@/lib/clicks";

import css from "./message.module.css";

export function Picture({ url, name, marks }: { url: string; name: string; marks: readonly Click[] }) {
  const [size, setSize] = useState<readonly [number, number]>();
  const [failed, setFailed] = useState(false);
  const [large, setLarge] = useState(false);
  if (failed) return <p className={css.lost}>A picture that cannot be shown ({name})</p>;
  return (
    <figure className={css.picture} data-large={large || undefined}>
      <button
        type="button"
        className={css.zoom}
        aria-label={large ? "Show smaller" : "Show in full size"}
        onClick={() => setLarge(!large)}
      >
        <img
          src={url}
          alt={name}
          decoding="async"
          onLoad={(event) => setSize([event.currentTarget.naturalWidth, event.currentTarget.naturalHeight])}
          onError={() => setFailed(true)}
        />
        {size !== undefined && marks.map((mark, place) => <Pointer key={place} mark={mark} size={size} />)}
      </button>
      {marks.length > 0 && (
        <figcaption className={css.caption}>
          {marks.map((mark) => `${mark.label} (${mark.x}, ${mark.y})`).join(", ")}
        </figcaption>
      )}
    </figure>
  );
}

function Pointer({ mark, size: [width, height] }: { mark: Click; size: readonly [number, number] }) {
  const at = onScreen(mark, width, height);
  if (at === undefined) return null;
  return (
    <span
      className={css.pointer}
      style={{ left: `${at.left * 100}%`, top: `${at.top * 100}%` }}
      aria-hidden="true"
    />
  );
}
