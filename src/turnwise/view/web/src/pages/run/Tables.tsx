/** Small tables beside the charts: what each role asked of its model, tools, metrics. */

import type { RunPage } from "@/api/types";
import { count, duration, money, score, short } from "@/lib/format";
import { Panel } from "@/parts/Panel";
import { Interval } from "@/parts/Score";
import { SmallTable } from "@/parts/SmallTable";

export function RoleTable({ roles, from }: { roles: RunPage["roles"]; from: number }) {
  return (
    <Panel title="By role" note={`mean of an episode, told from ${count(from)}`}>
      <SmallTable
        label="What each role used"
        head={["Role", "Calls", "Tokens in", "cached", "out", "Cost", "Call took", "p95"]}
        rows={roles.map((role) => [
          role.role,
          score(Math.round(role.calls * 10) / 10),
          short(Math.round(role.input)),
          short(Math.round(role.cached)),
          short(Math.round(role.output)),
          money(role.cost),
          duration(role.p50),
          duration(role.p95),
        ])}
      />
    </Panel>
  );
}

export function ToolTable({ tools }: { tools: RunPage["tools"] }) {
  return (
    <Panel title="Tools">
      <SmallTable
        label="Tools"
        head={["Tool", "Calls", "Call took"]}
        rows={tools.map((tool) => [tool.name, count(tool.calls), duration(tool.p50)])}
      />
    </Panel>
  );
}

export function MetricTable({ metrics }: { metrics: RunPage["metrics"] }) {
  return (
    <Panel title="Metrics">
      <SmallTable
        label="Metrics"
        head={["Metric", "Mean, 95 % interval"]}
        rows={metrics.map((metric) => [metric.name, <Interval key={metric.name} value={metric.value} />])}
      />
    </Panel>
  );
}
