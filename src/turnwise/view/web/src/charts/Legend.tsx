/** Which line is which. */

import css from "./charts.module.css";

export function Legend({ names }: { names: readonly string[] }) {
  return (
    <ul className={css.legend}>
      {names.map((name, place) => (
        <li key={name} className={css.series} data-series={(place % 6) + 1}>
          {name}
        </li>
      ))}
    </ul>
  );
}
