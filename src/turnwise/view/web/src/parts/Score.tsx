/** A mean with its interval: a number, and a mark on a line from low to high. */

import type { Interval as Shape } from "@/api/types";
import { count, score } from "@/lib/format";

import css from "./Score.module.css";

export function Interval({ value }: { value: Shape }) {
  if (value.mean === null) return <span className={css.none}>–</span>;
  const told =
    value.low === null || value.high === null
      ? `${count(value.n)} scored`
      : `95 % interval ${score(value.low)} to ${score(value.high)}, ${count(value.n)} scored`;
  const missing = value.missing > 0 ? `, ${count(value.missing)} missing` : "";
  return (
    <span className={css.interval} title={told + missing}>
      <span className={css.mean}>{score(value.mean)}</span>
      {value.low !== null && value.high !== null && (
        <span className={css.range}>
          <span className="sr-only">from</span> {score(value.low)}
          <span aria-hidden="true">…</span>
          <span className="sr-only"> to </span>
          {score(value.high)}
        </span>
      )}
    </span>
  );
}
