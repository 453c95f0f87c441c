/** Search within the episode: type, Enter goes from hit to hit. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "@/api/queries";
import { useDelayed } from "@/lib/delayed";
import { plural } from "@/lib/format";
import { useRoom } from "@/lib/media";
import { TextField } from "@/parts/Field";
import { Snippet } from "@/parts/Snippet";

import { useReading } from "./context";
import css from "./head.module.css";
import { FIND } from "./keys";

export function Find() {
  const { episode, select, turn } = useReading();
  const narrow = useRoom() === 1;
  const [q, setQ] = useState("");
  const [text, setText] = useDelayed(q, setQ, 200);
  const answer = useQuery(ask.search({ q, run: episode.run, episode: episode.number, limit: 100 }));
  const hits = [...(answer.data?.hits ?? [])].sort((a, b) => a.turn - b.turn);
  const step = (back: boolean) => {
    const next = back
      ? (hits.findLast((hit) => hit.turn < turn) ?? hits.at(-1))
      : (hits.find((hit) => hit.turn > turn) ?? hits[0]);
    if (next) select(next.turn);
  };
  return (
    <div className={css.find}>
      <TextField
        fieldId={FIND}
        label="Search this episode"
        quiet
        type="search"
        placeholder={narrow ? "Search" : "Search ( / ), keys ( ? )"}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey);
          if (event.key !== "Escape") return;
          setText("");
          event.currentTarget.blur();
        }}
      />
      {q.trim() !== "" && (
        <div className={css.hits}>
          <p className={css.hitCount} role="status">
            {answer.error
              ? answer.error.message
              : answer.data
                ? `${plural(answer.data.total, "turn")} · Enter goes on`
                : "Searching"}
          </p>
          <ul>
            {hits.map((hit) => (
              <li key={hit.turn}>
                <button type="button" className={css.hit} onClick={() => select(hit.turn)}>
                  <span className={css.hitTurn}>
                    #{hit.turn} {hit.role}
                  </span>
                  <Snippet hit={hit} />
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  );
}
