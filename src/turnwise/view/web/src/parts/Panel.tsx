/** A part of a page with a heading of its own. */

import { type ReactNode, useId } from "react";

import css from "./Panel.module.css";

export function Panel({
  title,
  note,
  actions,
  children,
}: {
  title: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const id = useId();
  return (
    <section className={css.panel} aria-labelledby={id}>
      <header className={css.head}>
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span className={css.note}>{note}</span>}
        {actions !== undefined && <span className={css.actions}>{actions}</span>}
      </header>
      {children}
    </section>
  );
}
