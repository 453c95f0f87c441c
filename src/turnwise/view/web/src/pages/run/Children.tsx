/** Forks and evaluations of this run. */

import { Link } from "wouter";

import type { RunLine } from "@/api/types";
import { count, when } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Panel } from "@/parts/Panel";
import { Interval } from "@/parts/Score";
import { SmallTable } from "@/parts/SmallTable";

export function Children({ runs }: { runs: readonly RunLine[] }) {
  if (runs.length === 0) return null;
  return (
    <Panel title="Forks, evaluations, judgements" note={count(runs.length)}>
      <SmallTable
        label="Forks, evaluations and judgements"
        head={["Run", "From", "Score", "Episodes", "Begun"]}
        rows={runs.map((run) => [
          <Link key="run" href={paths.run(run.id)}>
            {run.id}
          </Link>,
          run.parent ?? "",
          <Interval key="score" value={run.score} />,
          count(run.done),
          when(new Date(run.created * 1000)),
        ])}
      />
    </Panel>
  );
}
