/** Named amounts as bars one under another: an HTML list, so that it reads well without sight of it. */

import { Link } from "wouter";

import css from "./Bars.module.css";

export interface BarRow {
  readonly name: string;
  readonly value: number;
  readonly text: string;
  readonly href?: string | undefined;
  readonly tone?: "good" | "bad" | "warn" | undefined;
  readonly title?: string | undefined;
}

export function Bars({ label, rows }: { label: string; rows: readonly BarRow[] }) {
  const most = Math.max(...rows.map((row) => row.value), 1e-12);
  return (
    <ul className={css.bars} aria-label={label}>
      {rows.map((row) => (
        <li key={row.name} className={css.row} title={row.title}>
          <span className={css.name}>
            {row.href === undefined ? row.name : <Link href={row.href}>{row.name}</Link>}
          </span>
          <span className={css.text}>{row.text}</span>
          <span className={css.track} aria-hidden="true">
            <span
              className={css.fill}
              data-tone={row.tone}
              style={{ width: `${(100 * row.value) / most}%` }}
            />
          </span>
        </li>
      ))}
    </ul>
  );
}
