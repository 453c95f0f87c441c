/** A mean with its interval: a number, and a mark on a line from low to high. */

import type { Interval as Shape } from "@/api/types";
import { count, rough } from "@/lib/format";

import css from "./Score.module.css";

export function Interval({ value }: { value: Shape }) {
  if (value.mean === null) return <span className={css.none}>–</span>;
  const told =
    value.low === null || value.high === null
      ? `${count(value.n)} scored`
      : `95 % interval ${rough(value.low)} to ${rough(value.high)}, ${count(value.n)} scored`;
  const missing = value.missing > 0 ? `, ${count(value.missing)} missing` : "";
  return (
    <span className={css.interval} title={told + missing}>
      <span className={css.mean}>{rough(value.mean)}</span>
      {value.low !== null && value.high !== null && (
        <span className={css.range}>
          <span className="sr-only">from</span> {rough(value.low)}
          <span aria-hidden="true">…</span>
          <span className="sr-only"> to </span>
          {rough(value.high)}
        </span>
      )}
    </span>
  );
}
