/** Terminal output: colours as classes, everything else as text. */

import { ansi } from "@/lib/ansi";

import css from "./text.module.css";
import { Visible } from "./Visible";

export function Ansi({ text }: { text: string }) {
  return ansi(text).map((span, place) => (
    <span key={place} className={span.bold ? css.bold : undefined} data-ink={span.ink}>
      <Visible text={span.text} />
    </span>
  ));
}
