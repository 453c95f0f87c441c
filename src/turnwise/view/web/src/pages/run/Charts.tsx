/** All charts of a run. A click on a point narrows the grid of episodes below to those behind it. */

import type { RunPage } from "@/api/types";
import { Bars } from "@/charts/Bars";
import { count, duration, money, plural, score, words } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Panel } from "@/parts/Panel";
import { stopTone } from "@/parts/Status";

import { GRID } from "./Grid";
import { Learned } from "./Learned";
import { MetricTable, RoleTable, ToolTable } from "./Tables";
import { Spread } from "./Spread";
import { Success } from "./Success";
import css from "./run.module.css";

export function Charts({ page }: { page: RunPage }) {
  const run = page.run.id;
  const to = (query: string) => (query === "" ? undefined : paths.run(run, query));
  return (
    // Links of charts stay on this page: the grid they narrow is brought into sight.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions, jsx-a11y/click-events-have-key-events
    <div className={css.charts} onClick={followed}>
      {page.learning && <Learned learning={page.learning} to={to} />}
      {page.solved && page.solved.points.length > 1 && <Success solved={page.solved} to={to} />}
      {page.scores && <Spread title="Scores" unit="score" histogram={page.scores} ticks={score} to={to} />}
      <Panel title="Why episodes ended">
        <Bars
          label="Stop reasons"
          rows={page.stops.map((bar) => ({
            name: words(bar.stop),
            value: bar.count,
            text: count(bar.count),
            href: to(bar.query),
            tone: tone(bar.stop),
          }))}
        />
      </Panel>
      {page.errors.length > 0 && (
        <Panel title="Errors" note={plural(page.errors.length, "kind")}>
          <Bars
            label="Errors"
            rows={page.errors.map((bar) => ({
              name: `${bar.type}: ${bar.message}`,
              value: bar.count,
              text: count(bar.count),
              href: to(bar.query),
              tone: "bad",
            }))}
          />
        </Panel>
      )}
      {page.turns && <Spread title="Length" unit="turns" histogram={page.turns} ticks={score} to={to} />}
      {page.seconds && (
        <Spread title="Time an episode took" unit="time" histogram={page.seconds} ticks={duration} to={to} />
      )}
      {page.cost && (
        <Spread title="Cost of an episode" unit="cost" histogram={page.cost} ticks={money} to={to} />
      )}
      <RoleTable roles={page.roles} from={page.told_from} />
      {page.tools.length > 0 && <ToolTable tools={page.tools} />}
      {page.metrics.length > 0 && <MetricTable metrics={page.metrics} />}
    </div>
  );
}

function tone(stop: string): "bad" | "warn" | undefined {
  const found = stopTone(stop);
  return found === "bad" || found === "warn" ? found : undefined;
}

function followed(event: React.MouseEvent): void {
  const plain = !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (plain && event.target instanceof Element && event.target.closest("a")) {
    document.getElementById(GRID)?.scrollIntoView({ behavior: "smooth", block: "start" });
  }
}
