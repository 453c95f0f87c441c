/** What the episode was worth and why: rewards by component, verdicts with the turns they cite, credit, metrics. */

import type { RewardLine, VerdictLine } from "@/api/types";
import { score, signed } from "@/lib/format";
import { Chip } from "@/parts/Chip";
import { Panel } from "@/parts/Panel";
import { SmallTable } from "@/parts/SmallTable";
import { Empty } from "@/parts/State";
import { Said } from "@/parts/text/Said";

import { useReading } from "../context";
import { Credit } from "./Credit";
import { TurnLink } from "./TurnLink";
import css from "./side.module.css";

export function Rewards() {
  const { page } = useReading();
  const metrics = Object.entries(page.metrics);
  const nothing = page.rewards.length === 0 && page.verdicts.length === 0 && metrics.length === 0;
  return (
    <div className={css.stack}>
      {nothing && <Empty title="No reward was given" />}
      {page.rewards.length > 0 && <Components rewards={page.rewards} />}
      {page.verdicts.length > 0 && (
        <Panel title="Verdicts">
          {page.verdicts.map((verdict, place) => (
            <Verdict key={place} verdict={verdict} />
          ))}
        </Panel>
      )}
      {page.turns.length > 0 && <Credit />}
      {metrics.length > 0 && (
        <Panel title="Metrics">
          <SmallTable
            label="Metrics"
            head={["Metric", "Value"]}
            rows={metrics.map(([name, value]) => [name, score(value)])}
          />
        </Panel>
      )}
    </div>
  );
}

/** One line a component and role; where it was given more than once, their sum and where. */
function Components({ rewards }: { rewards: readonly RewardLine[] }) {
  const groups = new Map<string, RewardLine[]>();
  for (const reward of rewards) {
    const key = JSON.stringify([reward.role, reward.name]);
    groups.set(key, [...(groups.get(key) ?? []), reward]);
  }
  return (
    <Panel title="Rewards">
      <SmallTable
        label="Rewards by component"
        head={["Component", "For", "Sum", "At turns"]}
        rows={[...groups.values()].map((group) => [
          group[0]?.name,
          group[0]?.role,
          sum(group),
          <Places key="places" rewards={group} />,
        ])}
      />
    </Panel>
  );
}

function sum(rewards: readonly RewardLine[]): string {
  const values = rewards.flatMap(({ value }) => (value === null ? [] : [value]));
  return values.length === 0 ? "missing" : signed(values.reduce((all, value) => all + value, 0));
}

const MOST = 12;

function Places({ rewards }: { rewards: readonly RewardLine[] }) {
  const turns = rewards.flatMap(({ turn }) => (turn === null ? [] : [turn]));
  if (turns.length === 0) return "whole";
  return (
    <span className={css.places}>
      {turns.slice(0, MOST).map((turn, place) => (
        <TurnLink key={place} turn={turn} />
      ))}
      {turns.length > MOST && `and ${turns.length - MOST} more`}
    </span>
  );
}

function Verdict({ verdict }: { verdict: VerdictLine }) {
  return (
    <div className={css.verdict}>
      <p className={css.places}>
        <strong>{verdict.name}</strong>
        {verdict.missing !== null && <Chip tone="warn">missing</Chip>}
        {verdict.label !== null && <Chip tone="accent">{verdict.label}</Chip>}
        {verdict.score !== null && <span>{score(verdict.score)}</span>}
        {verdict.turn !== null && (
          <span>
            on turn <TurnLink turn={verdict.turn} />
          </span>
        )}
        {verdict.evidence.length > 0 && (
          <span>
            cites{" "}
            {verdict.evidence.map((turn) => (
              <TurnLink key={turn} turn={turn} />
            ))}
          </span>
        )}
      </p>
      {verdict.reason !== null && <Said text={verdict.reason} />}
      {verdict.missing !== null && <p className={css.faint}>{verdict.missing}</p>}
    </div>
  );
}
