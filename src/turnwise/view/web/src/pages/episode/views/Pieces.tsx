/** What was taken out of a text and what was put in. */

import type { Piece } from "@/api/types";
import { Visible } from "@/parts/text/Visible";

import css from "./views.module.css";

export function Pieces({ pieces }: { pieces: readonly Piece[] }) {
  return (
    <p className={css.pieces} dir="auto">
      {pieces.map((piece, place) => {
        const text = <Visible text={piece.text} />;
        if (piece.op === "cut") return <del key={place}>{text}</del>;
        if (piece.op === "new") return <ins key={place}>{text}</ins>;
        return <span key={place}>{text}</span>;
      })}
    </p>
  );
}
