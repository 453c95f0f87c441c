/** Small tables beside the charts: what each role asked of its model, tools, metrics. */

import type { RunPage } from "@/api/types";
import { count, duration, money, score, short } from "@/lib/format";
import { Panel } from "@/parts/Panel";
import { Interval } from "@/parts/Score";
import { SmallTable } from "@/parts/SmallTable";

type Use = RunPage["roles"][number];

/** The columns of a role's use; money and caches only where there were any. */
const USES: readonly (readonly [name: string, told: (role: Use) => string, any?: (role: Use) => boolean])[] =
  [
    ["Role", (role) => role.role],
    ["Calls", (role) => score(Math.round(role.calls * 10) / 10)],
    ["Tokens in", (role) => short(Math.round(role.input))],
    ["cached", (role) => short(Math.round(role.cached)), (role) => role.cached > 0],
    ["out", (role) => short(Math.round(role.output))],
    ["Cost", (role) => money(role.cost), (role) => role.cost > 0],
    ["Call took", (role) => duration(role.p50)],
    ["p95", (role) => duration(role.p95)],
  ];

export function RoleTable({ roles, from }: { roles: RunPage["roles"]; from: number }) {
  const shown = USES.filter(([, , any]) => any === undefined || roles.some(any));
  return (
    <Panel title="By role" note={`mean of an episode, told from ${count(from)}`}>
      <SmallTable
        label="What each role used"
        head={shown.map(([name]) => name)}
        rows={roles.map((role) => shown.map(([, told]) => told(role)))}
      />
    </Panel>
  );
}

export function ToolTable({ tools }: { tools: RunPage["tools"] }) {
  return (
    <Panel title="Tools">
      <SmallTable
        label="Tools"
        head={["Tool", "Calls", "In episodes"]}
        rows={tools.map((tool) => [tool.name, count(tool.calls), count(tool.episodes)])}
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
