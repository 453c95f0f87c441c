/** What a turn brought, by component. */

import type { TurnShape } from "@/api/types";
import { signed } from "@/lib/format";
import { Chip } from "@/parts/Chip";

import css from "./turn.module.css";

export function Rewards({ turn }: { turn: TurnShape }) {
  if (turn.rewards.length === 0) return null;
  return (
    <ul className={css.rewards} aria-label="Rewards">
      {turn.rewards.map((reward, place) => (
        <li key={place}>
          <Chip tone={tone(reward.value)}>
            {reward.name} {reward.value === null ? "missing" : signed(reward.value)}
            {reward.role !== turn.role && ` for ${reward.role}`}
          </Chip>
        </li>
      ))}
    </ul>
  );
}

function tone(value: number | null): "good" | "bad" | "warn" | "plain" {
  if (value === null) return "warn";
  return value > 0 ? "good" : value < 0 ? "bad" : "plain";
}
