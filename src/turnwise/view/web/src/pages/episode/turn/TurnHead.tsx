/** Who speaks to whom, when, how long it took, what it cost. */

import { Link } from "wouter";

import type { TurnLine, TurnShape } from "@/api/types";
import { count, duration, money } from "@/lib/format";

import { useReading } from "../context";
import css from "./turn.module.css";

export function TurnHead({ turn, line }: { turn: TurnShape; line: TurnLine }) {
  const { to, page } = useReading();
  const agent = page.roles.find((role) => role.name === turn.role)?.agent;
  const time = (line.model ?? 0) + (line.tool ?? 0);
  return (
    <div className={css.who}>
      <Link className={css.number} href={to(turn.index)} replace aria-label={`Link to turn ${turn.index}`}>
        {turn.index}
      </Link>
      <strong className={css.role}>{turn.role}</strong>
      {agent != null && agent !== turn.role && <span className={css.agent}>{agent}</span>}
      {turn.to.length > 0 && <span className={css.to}>to {turn.to.join(", ")}</span>}
      {turn.parent !== null && <span className={css.to}>answers {turn.parent}</span>}
      <span className={css.spent}>
        {time >= 0.001 && <span>{duration(time)}</span>}
        {line.output > 0 && <span>{count(line.output)} tokens</span>}
        {line.cost > 0 && <span>{money(line.cost)}</span>}
      </span>
    </div>
  );
}
