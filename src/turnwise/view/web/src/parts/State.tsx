/** What a page says where it has nothing to show: nothing there, something wrong, or not yet. */

import type { ReactNode } from "react";

import { type ApiError, explained } from "@/api/errors";

import { Button } from "./Button";
import css from "./State.module.css";

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={css.state}>
      <p className={css.title}>{title}</p>
      {children !== undefined && <div className={css.words}>{children}</div>}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  const { title, hint } = explained(error);
  return (
    <div className={css.state} role="alert">
      <p className={css.title}>{title}</p>
      <p className={css.words}>{error.message}</p>
      {hint !== undefined && <p className={css.words}>{hint}</p>}
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

/** Keeps the place of what is coming, so that nothing moves when it comes. */
export function Loading({ lines = 6, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div className={css.loading} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, place) => (
        <span key={place} className={css.bone} data-width={place % 4} />
      ))}
    </div>
  );
}
