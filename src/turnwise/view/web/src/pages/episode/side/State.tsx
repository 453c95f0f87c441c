/** The state that tools share, as it stands at the turn that is being read: every place that was changed so far. */

import { useMemo } from "react";

import { changesOf, stateAt } from "@/lib/changes";
import { plural } from "@/lib/format";
import { Empty } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";
import { Visible } from "@/parts/text/Visible";
import { Was } from "@/parts/text/Was";

import { useReading } from "../context";
import { TurnLink } from "./TurnLink";
import css from "./side.module.css";

export function State() {
  const { page, turn } = useReading();
  const all = useMemo(() => page.notes.flatMap((note) => changesOf(note) ?? []), [page.notes]);
  const places = useMemo(() => stateAt(all, turn), [all, turn]);
  const last = all.at(-1)?.turn;
  return (
    <>
      <p className={css.stateHead} role="status">
        {plural(places.length, "place")} changed up to turn {turn}
        {last !== undefined && last > turn && (
          <>
            ; the last change is at turn <TurnLink turn={last} />
          </>
        )}
      </p>
      {places.length === 0 ? (
        <Empty title="As it was at the start" />
      ) : (
        <VirtualList
          label="State"
          count={places.length}
          estimate={() => 52}
          padding={8}
          item={(number) => {
            const place = places[number];
            return place === undefined ? null : (
              <div className={css.place} data-fresh={place.turn === turn}>
                <p>
                  <code>
                    <Visible text={[place.desk, ...place.at].join(" / ")} />
                  </code>{" "}
                  <TurnLink turn={place.turn} />
                </p>
                <Was was={place.was} now={place.now} />
              </div>
            );
          }}
        />
      )}
    </>
  );
}
