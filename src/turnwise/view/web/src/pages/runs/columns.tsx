/** The columns of the table of runs. */

import { Link } from "wouter";

import type { RunLine } from "@/api/types";
import { duration, money, plural, short, when } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Chip } from "@/parts/Chip";
import { Interval } from "@/parts/Score";
import { RunStatus } from "@/parts/Status";
import type { Column } from "@/parts/Table";

import { Progress } from "./Progress";
import css from "./runs.module.css";

export function columns(
  chosen: readonly string[],
  toggle: (run: string) => void,
): readonly Column<RunLine>[] {
  return [
    {
      key: "choose",
      label: "Choose to compare",
      hidden: true,
      width: "1.25rem",
      cell: (run) => (
        <input
          type="checkbox"
          className={css.choose}
          checked={chosen.includes(run.id)}
          onChange={() => toggle(run.id)}
          aria-label={`Choose ${run.id} to compare`}
        />
      ),
    },
    {
      key: "run",
      label: "Run",
      width: "minmax(6rem, 3fr)",
      sort: ["id", "asc"],
      cell: (run) => <Name run={run} />,
    },
    {
      key: "agents",
      label: "Agents",
      width: "minmax(8rem, 2fr)",
      room: 3,
      cell: (run) => <Agents agents={run.agents} />,
    },
    {
      key: "score",
      label: "Score",
      width: "9rem",
      narrow: "3.5rem",
      sort: ["score", "desc"],
      cell: (run) => <Interval value={run.score} />,
    },
    {
      key: "episodes",
      label: "Episodes",
      width: "minmax(6.5rem, 8rem)",
      room: 2,
      sort: ["ended", "desc"],
      cell: (run) => <Progress run={run} />,
    },
    {
      key: "status",
      label: "Status",
      width: "4.75rem",
      sort: ["status", "asc"],
      cell: (run) => <RunStatus status={run.status} />,
    },
    {
      key: "turns",
      label: "Turns",
      width: "4.5rem",
      room: 4,
      number: true,
      sort: ["turns", "desc"],
      cell: (run) => short(run.turns),
    },
    {
      key: "input",
      label: "Tokens in",
      width: "5.5rem",
      room: 4,
      number: true,
      sort: ["input", "desc"],
      cell: (run) => short(run.input),
    },
    {
      key: "output",
      label: "Tokens out",
      width: "5.5rem",
      room: 3,
      number: true,
      sort: ["output", "desc"],
      cell: (run) => short(run.output),
    },
    {
      key: "cost",
      label: "Cost",
      width: "4rem",
      room: 3,
      number: true,
      sort: ["cost", "desc"],
      cell: (run) => money(run.cost),
    },
    {
      key: "time",
      label: "Play time",
      width: "6.5rem",
      room: 4,
      number: true,
      cell: (run) => duration(run.seconds),
    },
    {
      key: "created",
      label: "Begun",
      width: "9.5rem",
      room: 3,
      number: true,
      sort: ["created", "desc"],
      cell: (run) => when(new Date(run.created * 1000)),
    },
  ];
}

function Name({ run }: { run: RunLine }) {
  const below = run.kind === "run" ? run.environment : `${run.kind} · ${run.environment}`;
  return (
    <span className={css.name}>
      <Link href={paths.run(run.id)} className={css.link}>
        {run.id}
      </Link>
      <span className={css.below}>
        {below}
        {run.parent !== null && <span title={`from ${run.parent}`}> · of {run.parent}</span>}
        {run.tags.map((tag) => (
          <Chip key={tag}>{tag}</Chip>
        ))}
      </span>
    </span>
  );
}

function Agents({ agents }: { agents: Record<string, string> }) {
  const entries = Object.entries(agents);
  const text = entries
    .map(([role, agent]) => (entries.length === 1 ? agent : `${role}: ${agent}`))
    .join(", ");
  return <span title={entries.length === 0 ? plural(0, "agent") : text}>{text}</span>;
}
