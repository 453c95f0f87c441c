/** All turns as they happened. Only those in sight are loaded and drawn. */

import { useCallback } from "react";

import { usePages } from "@/api/pages";
import { ask } from "@/api/queries";
import type { TurnLine, TurnsPage } from "@/api/types";
import { type Click, clicks } from "@/lib/clicks";
import { useParams } from "@/lib/query";
import { Empty, Failure } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";

import { useReading } from "../context";
import { TurnBone, TurnCard } from "../turn/TurnCard";
import { height } from "./height";
import { SIZE } from "./size";

const rowsOf = (page: TurnsPage) => page.turns;
const NONE: readonly Click[] = [];

export function Everyone() {
  const { episode, page, turn } = useReading();
  const [params] = useParams();
  const pages = usePages(SIZE, (start) => ask.turns(episode, start, SIZE), rowsOf, turn);
  const { turns } = page;
  const estimate = useCallback((place: number) => height(turns[place]), [turns]);
  const asked = params.get("turn");
  if (pages.error) return <Failure error={pages.error} retry={pages.retry} />;
  if (turns.length === 0) {
    return <Empty title="Nothing was said yet">{page.live ? "The first turn appears here." : null}</Empty>;
  }
  return (
    <VirtualList
      label="Turns"
      count={turns.length}
      estimate={estimate}
      look={pages.look}
      goTo={asked === null ? undefined : Math.min(Number(asked), turns.length - 1)}
      follow={page.live}
      gap={8}
      padding={12}
      item={(place) => {
        const turn = pages.row(place);
        const line = turns[place];
        if (turn === undefined || line === undefined) return <TurnBone height={estimate(place)} />;
        return <TurnCard turn={turn} line={line} marks={pointed(line, place)} />;
      }}
    />
  );

  /** Where the replies to a picture pointed at it, up to the next picture. */
  function pointed(line: TurnLine, place: number): readonly Click[] {
    if (line.media === 0) return NONE;
    for (let next = place + 1; next <= place + 2; next++) {
      const reply = pages.row(next);
      if (reply === undefined || turns[next]?.media) return NONE;
      const found = clicks(reply.message);
      if (found.length > 0) return found;
    }
    return NONE;
  }
}
