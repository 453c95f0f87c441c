/** A mean that develops, with its interval as a band; each point leads to what it is told from. */

import { area, line } from "d3-shape";

import { Mark } from "./Mark";
import { Plot } from "./Plot";
import css from "./charts.module.css";

export interface BandPoint {
  readonly x: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly label: string;
  readonly href?: string | undefined;
}

export interface BandSeries {
  readonly name: string;
  readonly points: readonly BandPoint[];
}

export function Band({
  label,
  series,
  xLabel,
  yTicks,
  yDomain,
  height,
}: {
  label: string;
  series: readonly BandSeries[];
  xLabel: string;
  yTicks: (value: number) => string;
  yDomain?: readonly [number, number];
  height?: number;
}) {
  const points = series.flatMap((one) => one.points);
  const xs = points.map((point) => point.x);
  const domain = yDomain ?? around(points);
  return (
    <Plot
      label={label}
      x={{ domain: [Math.min(...xs, 0), Math.max(...xs, 1)], label: xLabel, ticks: String, whole: true }}
      y={{ domain, label, ticks: yTicks }}
      {...(height === undefined ? {} : { height })}
    >
      {({ x, y }) =>
        series.map((one, place) => (
          <g key={one.name} data-series={(place % 6) + 1} className={css.series}>
            <path
              className={css.band}
              d={
                area<BandPoint>()
                  .x((point) => x(point.x))
                  .y0((point) => y(point.low))
                  .y1((point) => y(point.high))([...one.points]) ?? ""
              }
            />
            <path
              className={css.line}
              d={
                line<BandPoint>()
                  .x((point) => x(point.x))
                  .y((point) => y(point.mean))([...one.points]) ?? ""
              }
            />
            {one.points.map((point) => (
              <Mark key={point.x} href={point.href} label={point.label}>
                <circle className={css.halo} cx={x(point.x)} cy={y(point.mean)} r={9} />
                <circle className={css.dot} cx={x(point.x)} cy={y(point.mean)} r={3} />
              </Mark>
            ))}
          </g>
        ))
      }
    </Plot>
  );
}

function around(points: readonly BandPoint[]): readonly [number, number] {
  const low = Math.min(0, ...points.map((point) => point.low));
  const high = Math.max(low + 1e-9, ...points.map((point) => point.high));
  return [low, high + (high - low) * 0.04];
}
