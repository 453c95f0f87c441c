/** One run against the first: the paired difference and what became of the tasks. */

import type { Pair } from "@/api/types";
import { Whisker } from "@/charts/Whisker";
import { count, score, signed } from "@/lib/format";
import { Panel } from "@/parts/Panel";
import { Interval } from "@/parts/Score";

import css from "./compare.module.css";

export function PairPanel({ pair }: { pair: Pair }) {
  const { mean, low, high } = pair.difference;
  const told =
    mean === null || low === null || high === null
      ? "not enough tasks to tell"
      : `${signed(mean)}, 95 % interval ${signed(low)} to ${signed(high)}`;
  return (
    <Panel title={`${pair.b} against ${pair.a}`} note={`paired on ${count(pair.tasks)} tasks`}>
      <p className={css.difference}>
        <span className={css.big}>{mean === null ? "–" : signed(mean)}</span>
        <span>{verdict(pair)}</span>
      </p>
      {mean !== null && low !== null && high !== null && (
        <Whisker label={`Difference ${told}`} mean={mean} low={low} high={high} ticks={signed} />
      )}
      <dl className={css.figures}>
        <Figure name="Before" value={<Interval value={pair.mean_a} />} />
        <Figure name="After" value={<Interval value={pair.mean_b} />} />
        <Figure name="p" value={pair.p === null ? "–" : `${chance(pair.p)}${pair.exact ? " (exact)" : ""}`} />
        <Figure name="McNemar p" value={pair.mcnemar === null ? "–" : chance(pair.mcnemar)} />
        <Figure name="Gained" value={count(pair.gained)} />
        <Figure name="Lost" value={count(pair.lost)} />
        <Figure name="Better, worse, same" value={`${pair.improved}, ${pair.worse}, ${pair.same}`} />
        <Figure name="In one only" value={`${pair.only_a}, ${pair.only_b}`} />
      </dl>
    </Panel>
  );
}

function Figure({ name, value }: { name: string; value: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function chance(p: number): string {
  return p < 0.001 ? "< 0.001" : score(p);
}

function verdict({ difference: { mean, low, high } }: Pair): string {
  if (mean === null) return "no task was scored in both";
  if (low === null || high === null) return "too few tasks for an interval";
  const range = `between ${signed(low)} and ${signed(high)}`;
  if (low > 0) return `better, ${range} (95 %)`;
  if (high < 0) return `worse, ${range} (95 %)`;
  return `no clear difference, ${range} (95 %)`;
}
