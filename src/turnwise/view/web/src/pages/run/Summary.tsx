/** The run in a row of figures. */

import type { RunLine } from "@/api/types";
import { count, duration, money, short } from "@/lib/format";
import { Facts } from "@/parts/Facts";
import { Interval } from "@/parts/Score";

export function Summary({ run }: { run: RunLine }) {
  const ended = run.done < run.planned ? `${count(run.done)} of ${count(run.planned)}` : count(run.done);
  return (
    <Facts
      facts={[
        ["Score", <Interval key="score" value={run.score} />],
        ["Episodes", ended],
        ["Failed", count(run.failed)],
        ["Turns", short(run.turns)],
        ["Tokens in", short(run.input)],
        ["Tokens out", short(run.output)],
        ["Cost", money(run.cost)],
        ["Play time", duration(run.seconds)],
      ]}
    />
  );
}
