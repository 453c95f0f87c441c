/** Choose what to play, as whom, and against whom. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { asApiError } from "@/api/errors";
import { ask } from "@/api/queries";
import { useParams } from "@/lib/query";
import { TextField } from "@/parts/Field";
import { Page } from "@/parts/Page";
import { Empty, Failure, Loading } from "@/parts/State";

import { Setup } from "./Setup";
import css from "./play.module.css";

export function Play() {
  const [params, setParams] = useParams();
  const answer = useQuery(ask.environments());
  const [text, setText] = useState("");
  const chosen = params.get("environment");
  const wanted = text.toLowerCase();
  const rows = (answer.data?.rows ?? []).filter((row) =>
    `${row.name} ${row.summary}`.toLowerCase().includes(wanted),
  );
  return (
    <Page
      wide
      title="Play"
      note="Take a role yourself; the others are agents. Your moves are stored as an episode like any other."
    >
      {answer.error && <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />}
      {answer.isPending && <Loading lines={10} />}
      {answer.data && (
        <div className={css.choose} data-chosen={chosen === null ? undefined : ""}>
          <section className={css.list} aria-label="Environments">
            <TextField
              label="Find an environment"
              type="search"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <ul>
              {rows.map((row) => (
                <li key={row.name}>
                  <button
                    type="button"
                    className={css.environment}
                    aria-pressed={row.name === chosen}
                    onClick={() => setParams({ environment: row.name })}
                  >
                    <strong>{row.name}</strong>
                    <span>{row.summary}</span>
                  </button>
                </li>
              ))}
            </ul>
            {rows.length === 0 && <Empty title="None is called that" />}
          </section>
          {chosen !== null && (
            <Setup key={chosen} environment={chosen} back={() => setParams({ environment: "" })} />
          )}
        </div>
      )}
    </Page>
  );
}
