/** How a number is spread over the run's episodes. */

import type { Histogram as Shape } from "@/api/types";
import { Histogram } from "@/charts/Histogram";
import { plural } from "@/lib/format";
import { Panel } from "@/parts/Panel";

export function Spread({
  title,
  unit,
  histogram,
  ticks,
  to,
}: {
  title: string;
  unit: string;
  histogram: Shape;
  ticks: (value: number) => string;
  to: (query: string) => string | undefined;
}) {
  const { median, p95, missing } = histogram;
  const note = [
    median === null ? "" : `median ${ticks(median)}`,
    p95 === null ? "" : `95th percentile ${ticks(p95)}`,
    missing > 0 ? `${missing} without` : "",
  ];
  return (
    <Panel title={title} note={note.filter((text) => text !== "").join(", ")}>
      <Histogram
        label={title}
        xLabel={unit}
        xTicks={ticks}
        bins={histogram.bins.map((bin) => ({
          ...bin,
          label: `${unit} ${ticks(bin.low)}${bin.high === bin.low ? "" : ` to ${ticks(bin.high)}`}: ${plural(bin.count, "episode")}`,
          href: to(bin.query),
        }))}
      />
    </Panel>
  );
}
