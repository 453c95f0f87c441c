/** What a tool call changed in the state that tools share, place by place. */

import type { Changes } from "@/lib/changes";
import { plural } from "@/lib/format";
import { Visible } from "@/parts/text/Visible";
import { Was } from "@/parts/text/Was";

import css from "./turn.module.css";

const MOST = 12;

export function Changed({ made }: { made: Changes }) {
  const more = made.changes.length - MOST;
  return (
    <section className={css.changed} aria-label={`Changed by ${made.tool}`}>
      <p className={css.by}>
        <Visible text={made.tool} /> changed in <Visible text={made.desk} />
      </p>
      <ul>
        {made.changes.slice(0, MOST).map(({ at, was, now }, place) => (
          <li key={place}>
            <code>
              <Visible text={at.join(" / ")} />
            </code>{" "}
            <Was was={was} now={now} />
          </li>
        ))}
      </ul>
      {more > 0 && <p className={css.by}>and {plural(more, "other place")}; all are under State</p>}
    </section>
  );
}
