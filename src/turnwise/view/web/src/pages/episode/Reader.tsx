/** The page of an episode that is there: its head, the conversation, and what goes with it. */

import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { type EpisodeRef, ask } from "@/api/queries";
import type { EpisodePage, Label } from "@/api/types";
import { useRoom } from "@/lib/media";
import { named, parsed, paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { useTitle } from "@/parts/Page";
import { Tabs } from "@/parts/Tabs";

import { ForkDialog } from "../fork/ForkDialog";
import { Conversation } from "./Conversation";
import { Head, Tools } from "./Head";
import { KeyHelp } from "./KeyHelp";
import { type Reading, ReadingContext } from "./context";
import { useEpisodeKeys } from "./keys";
import css from "./episode.module.css";
import { Outline } from "./side/Outline";
import { Side } from "./side/Side";
import { World } from "./side/World";

export function Reader({ episode, page }: { episode: EpisodeRef; page: EpisodePage }) {
  useTitle(`Episode ${episode.number} of ${episode.run}`);
  const [params, setParams] = useParams();
  const [forked, setForked] = useState<number>();
  const labels = useLabels(episode);
  const asked = Number(params.get("turn") ?? 0);
  const turn = Number.isInteger(asked) ? Math.max(0, Math.min(asked, page.turns.length - 1)) : 0;
  const kept = params.toString();
  const reading = useMemo<Reading>(
    () => ({
      episode,
      page,
      roles: page.roles.map((role) => role.name),
      labels,
      turn,
      select: (next) => setParams({ turn: String(next) }, { replace: true }),
      fork: setForked,
      to: (next) => {
        const query = new URLSearchParams(kept);
        query.set("turn", String(next));
        return paths.episode(episode, Object.fromEntries(query));
      },
    }),
    [episode, page, labels, turn, setParams, kept],
  );
  const [help, setHelp] = useState(false);
  useEpisodeKeys(reading, params.get("in") ?? "", () => setHelp(true));
  return (
    <ReadingContext value={reading}>
      <div className={css.page}>
        <Head />
        <Body />
        {help && <KeyHelp onClose={() => setHelp(false)} />}
        {forked !== undefined && <ForkDialog turn={forked} onClose={() => setForked(undefined)} />}
      </div>
    </ReadingContext>
  );
}

/** Side by side where there is room; one at a time where there is not. */
function Body() {
  const room = useRoom();
  const [tab, setTab] = useState<"talk" | "details">("talk");
  if (room >= 3) {
    return (
      <div className={css.body} data-room={room}>
        {room === 4 && (
          <aside className={css.outline} aria-label="Outline">
            <Outline />
          </aside>
        )}
        <Conversation />
        <aside className={css.side} aria-label="About this episode">
          <World />
          <Side outline={room < 4} />
        </aside>
      </div>
    );
  }
  return (
    <div className={css.single}>
      <Tabs
        label="Parts of the episode"
        tabs={[
          { name: "talk", title: "Conversation" },
          { name: "details", title: "Details" },
        ]}
        value={tab}
        onChange={setTab}
      >
        {tab === "talk" ? (
          <Conversation />
        ) : (
          <div className={css.details}>
            {room === 1 && <Tools />}
            <World />
            <Side outline />
          </div>
        )}
      </Tabs>
    </div>
  );
}

function useLabels(episode: EpisodeRef): ReadonlyMap<number, readonly Label[]> {
  const name = named(episode);
  const answer = useQuery(ask.labels({ target: name, limit: 500 }));
  return useMemo(() => {
    const byTurn = new Map<number, Label[]>();
    for (const label of answer.data?.rows ?? []) {
      const turn = parsed(label.target)?.turn;
      if (turn !== undefined) byTurn.set(turn, [...(byTurn.get(turn) ?? []), label]);
    }
    return byTurn;
  }, [answer.data]);
}
