/** Where the time went: each turn's wait, model and tools, one under another. */

import type { TurnLine } from "@/api/types";
import { duration, money } from "@/lib/format";
import { Facts } from "@/parts/Facts";
import { Empty } from "@/parts/State";
import { VirtualList } from "@/parts/VirtualList";

import { useReading } from "../context";
import css from "./side.module.css";

const HEIGHT = 26;

export function Timing() {
  const { page } = useReading();
  const timed = page.turns.filter((line) => line.start !== null && (line.model ?? 0) + (line.tool ?? 0) > 0);
  if (timed.length === 0) return <Empty title="No times are stored" />;
  const sum = (of: (line: TurnLine) => number | null) =>
    timed.reduce((all, line) => all + (of(line) ?? 0), 0);
  const end = Math.max(...timed.map((line) => finish(line)), 1e-9);
  return (
    <>
      <div className={css.timingHead}>
        <Facts
          facts={[
            ["Model", duration(sum((line) => line.model))],
            ["Tools", duration(sum((line) => line.tool))],
            ["Waits", duration(sum((line) => line.wait))],
            ["Cost", money(sum((line) => line.cost))],
          ]}
        />
        <p className={css.legend} aria-hidden="true">
          <span data-part="wait" /> wait <span data-part="tool" /> tool <span data-part="model" /> model
          <span className={css.scale}>0 to {duration(end)}</span>
        </p>
      </div>
      <VirtualList
        label="Time of each turn"
        count={timed.length}
        estimate={() => HEIGHT}
        padding={4}
        item={(place) => {
          const line = timed[place];
          return line === undefined ? null : <Row line={line} end={end} />;
        }}
      />
    </>
  );
}

function finish(line: TurnLine): number {
  return (line.start ?? 0) + (line.model ?? 0);
}

function Row({ line, end }: { line: TurnLine; end: number }) {
  const { select, turn } = useReading();
  const share = (seconds: number | null) => `${(100 * Math.max(0, seconds ?? 0)) / end}%`;
  // What led to a turn comes before its model is asked.
  const before = (line.wait ?? 0) + (line.tool ?? 0);
  const spent = (line.model ?? 0) + (line.tool ?? 0);
  return (
    <button
      type="button"
      className={css.timing}
      aria-current={turn === line.index ? "true" : undefined}
      title={`${line.role}: model ${duration(line.model)}, tools ${duration(line.tool)}, wait ${duration(line.wait)}`}
      onClick={() => select(line.index)}
    >
      <span className={css.index}>{line.index}</span>
      <span className={css.lane}>
        <span style={{ width: share((line.start ?? 0) - before) }} />
        {(
          [
            ["wait", line.wait],
            ["tool", line.tool],
            ["model", line.model],
          ] as const
        ).map(([part, seconds]) =>
          (seconds ?? 0) > 0 ? <span key={part} data-part={part} style={{ width: share(seconds) }} /> : null,
        )}
      </span>
      <span className={css.took}>{duration(spent)}</span>
    </button>
  );
}
