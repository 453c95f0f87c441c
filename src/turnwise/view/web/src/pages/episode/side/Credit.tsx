/** What each turn was worth by a credit method, against the other episodes of its task. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ask } from "@/api/queries";
import type { CreditPage } from "@/api/types";
import { plural, signed } from "@/lib/format";
import { Select } from "@/parts/Field";
import { Panel } from "@/parts/Panel";

import { useReading } from "../context";
import { TurnLink } from "./TurnLink";
import css from "./side.module.css";

/** Rows that are drawn; of longer episodes those with the largest credit. */
const MOST = 60;

export function Credit() {
  const { episode } = useReading();
  const about = useQuery(ask.about());
  const methods = (about.data?.credit ?? []).filter((method) => method.per === "turn");
  const [method, setMethod] = useState("");
  const answer = useQuery({ ...ask.credit(episode, method), enabled: method !== "" });
  if (methods.length === 0) return null;
  const chosen = methods.find((one) => one.name === method);
  return (
    <Panel
      title="Credit by turn"
      actions={
        <Select
          label="Credit method"
          quiet
          value={method}
          onChange={(event) => setMethod(event.currentTarget.value)}
          options={[
            { value: "", label: "Choose a method" },
            ...methods.map(({ name }) => ({ value: name, label: name })),
          ]}
        />
      }
    >
      {chosen && <p className={css.faint}>{chosen.summary}</p>}
      {answer.error && <p role="alert">{answer.error.message}</p>}
      {answer.data && <Bars page={answer.data} />}
    </Panel>
  );
}

function Bars({ page }: { page: CreditPage }) {
  if (page.problem !== null) return <p className={css.faint}>{page.problem}</p>;
  const known = page.turns.flatMap(({ turn, value }) => (value === null ? [] : [{ turn, value }]));
  const largest = Math.max(...known.map(({ value }) => Math.abs(value)), 1e-9);
  const shown = [...known]
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, MOST)
    .sort((a, b) => a.turn - b.turn);
  return (
    <>
      <p className={css.faint}>
        compared with {plural(page.group.length, "episode")} of the task
        {known.length > MOST && `; the ${MOST} turns with the most of it`}
      </p>
      <ul className={css.credit}>
        {shown.map(({ turn, value }) => (
          <li key={turn} className={css.creditRow}>
            <TurnLink turn={turn} />
            <span className={css.creditTrack} aria-hidden="true">
              <span
                className={css.creditFill}
                data-below={value < 0}
                style={{ width: `${(50 * Math.abs(value)) / largest}%` }}
              />
            </span>
            <span className="num">{signed(value)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
