/** How often which value came; each bar leads to its episodes. */

import { Mark } from "./Mark";
import { Plot } from "./Plot";
import css from "./charts.module.css";

export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
  readonly label: string;
  readonly href?: string | undefined;
}

/** A bar for a single value, in pixels. */
const WIDEST = 64;

export function Histogram({
  label,
  bins,
  xLabel,
  xTicks,
  height,
}: {
  label: string;
  bins: readonly Bin[];
  xLabel: string;
  xTicks: (value: number) => string;
  height?: number;
}) {
  const drawn = boxes(bins);
  const low = Math.min(...drawn.map((box) => box.from));
  const high = Math.max(...drawn.map((box) => box.to));
  const most = Math.max(1, ...bins.map((bin) => bin.count));
  return (
    <Plot
      label={label}
      x={{ domain: [low, high], label: xLabel, ticks: xTicks }}
      y={{ domain: [0, most], label: "episodes", ticks: (value) => compact(value), whole: true }}
      {...(height === undefined ? {} : { height })}
    >
      {({ x, y }) => (
        <g className={css.series} data-series={1}>
          {drawn.map(({ bin, from, to }) => {
            const room = x(to) - x(from);
            const width = Math.max(1, bin.low === bin.high ? Math.min(room * 0.8, WIDEST) : room - 2);
            const left = (x(from) + x(to) - width) / 2;
            const top = bin.count > 0 ? Math.min(y(bin.count), y(0) - 2) : y(0);
            return (
              <Mark key={bin.low} href={bin.count > 0 ? bin.href : undefined} label={bin.label}>
                <rect className={css.reach} x={left} width={width} y={y(most)} height={y(0) - y(most)} />
                <rect className={css.bar} x={left} width={width} y={top} height={y(0) - top} rx={2} />
              </Mark>
            );
          })}
        </g>
      )}
    </Plot>
  );
}

interface Box {
  readonly bin: Bin;
  readonly from: number;
  readonly to: number;
}

/** Where bars stand; one for a single value is as wide as the smallest step between two values. */
function boxes(bins: readonly Bin[]): Box[] {
  const steps = bins.slice(1).map((bin, place) => bin.low - (bins[place]?.low ?? 0));
  const half = Math.min(...steps.filter((step) => step > 0), Infinity) / 2;
  const reach = Number.isFinite(half) ? half : 0.5;
  return bins.map((bin) =>
    bin.low === bin.high
      ? { bin, from: bin.low - reach, to: bin.low + reach }
      : { bin, from: bin.low, to: bin.high },
  );
}

function compact(value: number): string {
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(value);
}
