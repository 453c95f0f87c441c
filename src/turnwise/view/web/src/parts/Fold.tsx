/** Something that is there for those who open it; what is inside is made only then. */

import { type ReactNode, useState } from "react";

import css from "./Fold.module.css";

export function Fold({
  title,
  note,
  open = false,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  open?: boolean;
  children: ReactNode;
}) {
  const [shown, setShown] = useState(open);
  return (
    <details className={css.fold} open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary className={css.summary}>
        <span className={css.title}>{title}</span>
        {note !== undefined && <span className={css.note}>{note}</span>}
      </summary>
      {shown && <div className={css.body}>{children}</div>}
    </details>
  );
}
