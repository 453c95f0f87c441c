/** What stood in a place and what stands there now, side by side; short values in the line itself. */

import { Visible } from "./Visible";
import css from "./text.module.css";

const MOST = 2_000;

export function Was({ was, now }: { was?: unknown; now?: unknown }) {
  return (
    <span className={css.was}>
      {was !== undefined && (
        <del>
          <Visible text={written(was)} />
        </del>
      )}
      {was !== undefined && now !== undefined && <span aria-hidden="true">→</span>}
      {now !== undefined && (
        <ins>
          <Visible text={written(now)} />
        </ins>
      )}
    </span>
  );
}

function written(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST
    ? `${text.slice(0, MOST)}… (${text.length - MOST} more characters)`
    : text || "“”";
}
