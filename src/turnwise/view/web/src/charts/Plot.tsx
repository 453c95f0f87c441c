/** The ground of a chart: a place of fixed height, axes, and what is drawn between them. */

import { type ScaleLinear, scaleLinear } from "d3-scale";
import type { ReactNode } from "react";

import css from "./charts.module.css";
import { useWidth } from "./size";

export interface Scales {
  readonly x: ScaleLinear<number, number>;
  readonly y: ScaleLinear<number, number>;
}

interface Axis {
  readonly domain: readonly [number, number];
  readonly label: string;
  readonly ticks: (value: number) => string;
  /** Ticks at whole numbers only. */
  readonly whole?: boolean;
}

const MARGIN = { top: 10, right: 12, bottom: 38, left: 46 };

export function Plot({
  label,
  x,
  y,
  height = 220,
  children,
}: {
  label: string;
  x: Axis;
  y: Axis;
  height?: number;
  children: (scales: Scales) => ReactNode;
}) {
  const [ref, width] = useWidth();
  const scales: Scales = {
    x: scaleLinear([...x.domain], [MARGIN.left, Math.max(width - MARGIN.right, MARGIN.left + 1)]),
    y: scaleLinear([...y.domain], [height - MARGIN.bottom, MARGIN.top]),
  };
  return (
    <div ref={ref} className={css.plot} style={{ height }}>
      {width > 0 && (
        <svg width={width} height={height} role="group" aria-label={label}>
          <YAxis axis={y} scale={scales.y} width={width} />
          <XAxis axis={x} scale={scales.x} height={height} />
          {children(scales)}
        </svg>
      )}
    </div>
  );
}

function ticksOf(scale: ScaleLinear<number, number>, most: number, whole: boolean | undefined): number[] {
  const ticks = scale.ticks(most);
  return whole ? ticks.filter(Number.isInteger) : ticks;
}

function YAxis({ axis, scale, width }: { axis: Axis; scale: ScaleLinear<number, number>; width: number }) {
  return (
    <g className={css.axis} aria-hidden="true">
      {ticksOf(scale, 4, axis.whole).map((tick) => (
        <g key={tick} transform={`translate(0,${scale(tick)})`}>
          <line x1={MARGIN.left} x2={width - MARGIN.right} className={css.grid} />
          <text x={MARGIN.left - 8} dy="0.32em" textAnchor="end">
            {axis.ticks(tick)}
          </text>
        </g>
      ))}
    </g>
  );
}

function XAxis({ axis, scale, height }: { axis: Axis; scale: ScaleLinear<number, number>; height: number }) {
  const [left = 0, right = 0] = scale.range();
  const ticks = ticksOf(scale, Math.max(2, Math.min(8, (right - left) / 64)), axis.whole);
  return (
    <g className={css.axis} aria-hidden="true">
      {ticks.map((tick) => (
        <text key={tick} x={scale(tick)} y={height - MARGIN.bottom + 16} textAnchor="middle">
          {axis.ticks(tick)}
        </text>
      ))}
      <text x={(left + right) / 2} y={height - 5} textAnchor="middle" className={css.axisLabel}>
        {axis.label}
      </text>
    </g>
  );
}
