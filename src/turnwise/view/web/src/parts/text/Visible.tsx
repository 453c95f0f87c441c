/** Text as it is, with everything that would deceive the eye shown as a mark. */

import { memo } from "react";

import { visible } from "@/lib/visible";

import css from "./text.module.css";

export const Visible = memo(function Visible({ text }: { text: string }) {
  const pieces = visible(text);
  if (pieces.length === 1 && pieces[0]?.hidden === undefined) return text;
  return pieces.map((piece, place) =>
    piece.hidden === undefined ? (
      piece.text
    ) : (
      <span key={place} className={css.mark} title={piece.hidden}>
        {piece.text}
      </span>
    ),
  );
});
