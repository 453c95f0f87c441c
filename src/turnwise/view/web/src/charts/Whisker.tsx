/** One estimate with its interval on a line that shows zero: does the interval reach it? */

import { scaleLinear } from "d3-scale";

import css from "./charts.module.css";
import { useWidth } from "./size";

const HEIGHT = 46;

export function Whisker({
  label,
  mean,
  low,
  high,
  ticks,
}: {
  label: string;
  mean: number;
  low: number;
  high: number;
  ticks: (value: number) => string;
}) {
  const [ref, width] = useWidth();
  const reach = Math.max(Math.abs(low), Math.abs(high), 1e-9) * 1.15;
  const x = scaleLinear([-reach, reach], [20, Math.max(21, width - 20)]);
  return (
    <div ref={ref} className={css.plot} style={{ height: HEIGHT }}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={label}
          className={css.series}
          data-series={1}
        >
          <line className={css.grid} x1={20} x2={width - 20} y1={16} y2={16} />
          <line className={css.zero} x1={x(0)} x2={x(0)} y1={4} y2={28} />
          <line className={css.whisker} x1={x(low)} x2={x(high)} y1={16} y2={16} />
          <circle className={css.dot} cx={x(mean)} cy={16} r={5} />
          <g className={css.axis} aria-hidden="true">
            {x.ticks(5).map((tick) => (
              <text key={tick} x={x(tick)} y={42} textAnchor="middle">
                {ticks(tick)}
              </text>
            ))}
          </g>
        </svg>
      )}
    </div>
  );
}
