/** Small words on a coloured ground. The colour never says what the word does not. */

import type { ReactNode } from "react";

import css from "./Chip.module.css";

export type Tone = "plain" | "good" | "bad" | "warn" | "accent";

export function Chip({
  tone = "plain",
  title,
  children,
}: {
  tone?: Tone;
  title?: string;
  children: ReactNode;
}) {
  return (
    <span className={css.chip} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
