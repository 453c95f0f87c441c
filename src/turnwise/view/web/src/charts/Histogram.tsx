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
  const [low, high] = spread(bins);
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
          {bins.map((bin) => {
            const left = x(bin.low === bin.high ? low : bin.low) + 1;
            const right = x(bin.low === bin.high ? high : bin.high) - 1;
            const top = bin.count > 0 ? Math.min(y(bin.count), y(0) - 2) : y(0);
            return (
              <Mark key={bin.low} href={bin.count > 0 ? bin.href : undefined} label={bin.label}>
                <rect
                  className={css.reach}
                  x={left}
                  width={Math.max(1, right - left)}
                  y={y(most)}
                  height={y(0) - y(most)}
                />
                <rect
                  className={css.bar}
                  x={left}
                  width={Math.max(1, right - left)}
                  y={top}
                  height={y(0) - top}
                  rx={2}
                />
              </Mark>
            );
          })}
        </g>
      )}
    </Plot>
  );
}

/** Values that are all alike still need a width to be drawn in. */
function spread(bins: readonly Bin[]): [number, number] {
  const low = Math.min(...bins.map((bin) => bin.low));
  const high = Math.max(...bins.map((bin) => bin.high));
  if (!Number.isFinite(low)) return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

function compact(value: number): string {
  return value >= 10_000 ? `${Math.round(value / 1000)}k` : String(value);
}
