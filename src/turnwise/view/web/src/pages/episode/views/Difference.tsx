/** Two roles' views side by side: what one knows and the other does not. */

import { useCallback } from "react";

import { usePages } from "@/api/pages";
import { ask } from "@/api/queries";
import type { DiffPage, DiffRow } from "@/api/types";
import { roleColour } from "@/lib/roles";
import { Failure } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";
import { Message } from "@/parts/message/Message";

import { useReading } from "../context";
import { TurnBone } from "../turn/TurnCard";
import { height } from "./height";
import css from "./views.module.css";

const SIZE = 50;
const rowsOf = (page: DiffPage) => page.rows;

export function Difference({ a, b }: { a: string; b: string }) {
  const { episode, page } = useReading();
  const pages = usePages(SIZE, (start) => ask.difference(episode, a, b, start, SIZE), rowsOf);
  const turns = page.turns;
  const estimate = useCallback((place: number) => height(turns[place]), [turns]);
  if (pages.error) return <Failure error={pages.error} retry={pages.retry} />;
  return (
    <>
      <div className={css.sides} aria-hidden="true">
        <strong>{a}</strong>
        <strong>{b}</strong>
      </div>
      <VirtualList
        label={`${a} beside ${b}`}
        count={pages.total}
        estimate={estimate}
        look={pages.look}
        gap={6}
        padding={12}
        item={(place) => {
          const row = pages.row(place);
          return row === undefined ? <TurnBone height={80} /> : <Moment row={row} a={a} b={b} />;
        }}
      />
    </>
  );
}

const WORDS = {
  said: "says",
  told: "is told",
  private: "its model alone is told",
  unseen: "knows nothing of this",
} as const;

/** A moment both know spans both columns; what only one knows stands on its side. */
function Moment({ row, a, b }: { row: DiffRow; a: string; b: string }) {
  const { roles } = useReading();
  const both = row.a !== "unseen" && row.b !== "unseen";
  const side = both ? "both" : row.a === "unseen" ? "b" : "a";
  const knows = side === "b" ? `${b} ${WORDS[row.b]}` : `${a} ${WORDS[row.a]}`;
  return (
    <div className={css.moment}>
      <article className={css.entry} data-side={side} data-colour={roleColour(row.role, roles)}>
        <header className={css.head}>
          {row.turn !== null && <span className={css.number}>{row.turn}</span>}
          <strong className={css.role}>{row.role}</strong>
          <span className={css.as}>
            {both ? `${knows}, ${b} ${WORDS[row.b]}` : `${knows}; ${side === "a" ? b : a} ${WORDS.unseen}`}
          </span>
        </header>
        <Message message={row.message} />
      </article>
    </div>
  );
}
