/** Two episodes side by side, aligned by turn; a person may say which is better. */

import { useQuery } from "@tanstack/react-query";
import { useCallback } from "react";
import { Link } from "wouter";

import { asApiError } from "@/api/errors";
import { type Pages, usePages } from "@/api/pages";
import { type EpisodeRef, ask } from "@/api/queries";
import type { AlignPage, AlignRow, TurnShape, TurnsPage } from "@/api/types";
import { plural } from "@/lib/format";
import { parsed, paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Crumbs, Page, useTitle } from "@/parts/Page";
import { Empty, Failure, Loading } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";
import { Message } from "@/parts/message/Message";

import { Choice } from "./Choice";
import css from "./align.module.css";

const SIZE = 50;
const rowsOf = (page: TurnsPage) => page.turns;

export function Align() {
  const [params] = useParams();
  const a = params.get("a") ?? "";
  const b = params.get("b") ?? "";
  const left = parsed(a);
  const right = parsed(b);
  const answer = useQuery({ ...ask.align(a, b), enabled: left !== undefined && right !== undefined });
  if (left !== undefined && right !== undefined && answer.data) {
    return <Aligned a={left} b={right} page={answer.data} />;
  }
  return (
    <Page title="Side by side">
      {left === undefined || right === undefined ? (
        <Empty title="Choose two episodes">The address should name them: ?a=RUN/NUMBER&b=RUN/NUMBER</Empty>
      ) : answer.error ? (
        <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />
      ) : (
        <Loading lines={12} />
      )}
    </Page>
  );
}

function Aligned({ a, b, page }: { a: EpisodeRef; b: EpisodeRef; page: AlignPage }) {
  useTitle("Side by side");
  const left = usePages(SIZE, (start) => ask.turns(a, start, SIZE), rowsOf);
  const right = usePages(SIZE, (start) => ask.turns(b, start, SIZE), rowsOf);
  const { rows } = page;
  const lookLeft = left.look;
  const lookRight = right.look;
  const look = useCallback(
    (first: number, last: number) => {
      const seen = rows.slice(first, last + 1);
      lookAt(
        seen.flatMap((row) => row.a ?? []),
        lookLeft,
      );
      lookAt(
        seen.flatMap((row) => row.b ?? []),
        lookRight,
      );
    },
    [rows, lookLeft, lookRight],
  );
  return (
    <div className={css.page}>
      <header className={css.head}>
        <div>
          <Crumbs crumbs={[{ text: "Runs", href: paths.runs() }]} />
          <h1 className={css.title}>Side by side</h1>
          <p className={css.told}>
            {page.shared > 0
              ? page.shared === 1
                ? "The first turn is the same."
                : `The first ${plural(page.shared, "turn")} are the same.`
              : "They differ from the first turn."}
          </p>
        </div>
        <Choice page={page} />
      </header>
      <div className={css.names}>
        <Link href={paths.episode(a)}>{page.a}</Link>
        <Link href={paths.episode(b)}>{page.b}</Link>
      </div>
      <VirtualList
        label="Turns side by side"
        count={rows.length}
        estimate={() => 120}
        look={look}
        gap={8}
        padding={12}
        item={(place) => {
          const row = rows[place];
          return row === undefined ? null : <Row row={row} left={left} right={right} />;
        }}
      />
    </div>
  );
}

function lookAt(turns: readonly number[], look: (first: number, last: number) => void): void {
  if (turns.length > 0) look(Math.min(...turns), Math.max(...turns));
}

function Row({ row, left, right }: { row: AlignRow; left: Pages<TurnShape>; right: Pages<TurnShape> }) {
  return (
    <div className={css.row} data-same={row.same || undefined}>
      <Cell index={row.a} turn={row.a === null ? undefined : left.row(row.a)} side="first" />
      {row.same ? null : (
        <Cell index={row.b} turn={row.b === null ? undefined : right.row(row.b)} side="second" />
      )}
    </div>
  );
}

function Cell({ index, turn, side }: { index: number | null; turn: TurnShape | undefined; side: string }) {
  if (index === null) return <div className={css.gap} />;
  if (turn === undefined) return <div className={css.bone} />;
  return (
    <article className={css.cell} aria-label={`Turn ${index} of the ${side}, ${turn.role}`}>
      <p className={css.who}>
        <span className={css.number}>{index}</span> <strong>{turn.role}</strong>
      </p>
      <Message message={turn.message} />
    </article>
  );
}
