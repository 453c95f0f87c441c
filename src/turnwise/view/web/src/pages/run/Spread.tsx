/** How a number is spread over the run's episodes. */

import type { Histogram as Shape } from "@/api/types";
import { Histogram } from "@/charts/Histogram";
import { plural, score } from "@/lib/format";
import { Panel } from "@/parts/Panel";

export function Spread({
  title,
  unit,
  histogram,
  ticks,
  told = ticks,
  to,
}: {
  title: string;
  unit: string;
  histogram: Shape;
  ticks: (value: number) => string;
  told?: (value: number) => string;
  to: (query: string) => string | undefined;
}) {
  const { median, p95, missing } = histogram;
  const note = [
    median === null ? "" : `median ${told(median)}`,
    p95 === null ? "" : `95th percentile ${told(p95)}`,
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
          label: `${unit} ${score(bin.low)}${bin.high === bin.low ? "" : ` to ${score(bin.high)}`}: ${plural(bin.count, "episode")}`,
          href: to(bin.query),
        }))}
      />
    </Panel>
  );
}
