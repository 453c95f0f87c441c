/** How many episodes ended, failed, and are still to come: a number and a bar. */

import type { RunLine } from "@/api/types";
import { count } from "@/lib/format";

import css from "./runs.module.css";

export function Progress({ run }: { run: RunLine }) {
  const all = Math.max(run.planned, run.done, 1);
  const good = run.done - run.failed;
  return (
    <span className={css.progress}>
      <span>
        {count(run.done)}
        {run.done < run.planned && ` of ${count(run.planned)}`}
        {run.failed > 0 && <span className={css.failed}> · {count(run.failed)} failed</span>}
      </span>
      <span className={css.track} aria-hidden="true">
        <span className={css.good} style={{ width: `${(100 * good) / all}%` }} />
        <span className={css.bad} style={{ width: `${(100 * run.failed) / all}%` }} />
      </span>
    </span>
  );
}
