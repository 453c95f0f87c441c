/** The columns of the grid of episodes. */

import { Link } from "wouter";

import type { EpisodeLine } from "@/api/types";
import { count, duration, money, score, short } from "@/lib/format";
import { paths } from "@/lib/paths";
import { Chip } from "@/parts/Chip";
import { Icon } from "@/parts/Icon";
import { StopChip } from "@/parts/Status";
import type { Column } from "@/parts/Table";

import css from "./run.module.css";

/**
 * @param run The run's id.
 * @param query The filter, which an episode's page keeps for its way back and to its neighbours.
 */
export function columns(run: string, query: string): readonly Column<EpisodeLine>[] {
  const within: Record<string, string> = query === "" ? {} : { in: query };
  return [
    {
      key: "number",
      label: "#",
      width: "3.5rem",
      sort: ["number", "asc"],
      cell: ({ number }) => (
        <Link
          className={css.link}
          href={paths.episode({ run, number }, within)}
          aria-label={`Episode ${number}`}
        >
          {number}
        </Link>
      ),
    },
    {
      key: "task",
      label: "Task",
      width: "minmax(5rem, 2fr)",
      sort: ["task", "asc"],
      cell: ({ task, epoch }) => (
        <span title={task}>
          {task}
          {epoch > 0 && <span className={css.faint}> · epoch {epoch}</span>}
        </span>
      ),
    },
    {
      key: "score",
      label: "Score",
      width: "4.5rem",
      number: true,
      sort: ["score", "desc"],
      cell: (line) => <strong>{score(line.score)}</strong>,
    },
    {
      key: "stop",
      label: "Ended",
      width: "minmax(5.5rem, 1fr)",
      sort: ["stop", "asc"],
      cell: (line) => <StopChip stop={line.stop} detail={line.error ?? line.detail} />,
    },
    {
      key: "marks",
      label: "Tags",
      width: "minmax(4rem, 1fr)",
      room: 2,
      cell: (line) => <Marks line={line} />,
    },
    {
      key: "turns",
      label: "Turns",
      width: "4rem",
      room: 2,
      number: true,
      sort: ["turns", "desc"],
      cell: (line) => count(line.turns),
    },
    {
      key: "tools",
      label: "Tool calls",
      width: "5.5rem",
      room: 3,
      number: true,
      sort: ["tool_calls", "desc"],
      cell: (line) => count(line.tool_calls),
    },
    {
      key: "output",
      label: "Tokens out",
      width: "6rem",
      room: 3,
      number: true,
      sort: ["output", "desc"],
      cell: (line) => short(line.output),
    },
    {
      key: "cost",
      label: "Cost",
      width: "4.5rem",
      room: 3,
      number: true,
      sort: ["cost", "desc"],
      cell: (line) => money(line.cost),
    },
    {
      key: "seconds",
      label: "Time",
      width: "5.5rem",
      room: 2,
      number: true,
      sort: ["seconds", "desc"],
      cell: (line) => duration(line.seconds),
    },
  ];
}

function Marks({ line }: { line: EpisodeLine }) {
  return (
    <span className={css.marks}>
      {line.tags.map((tag) => (
        <Chip key={tag}>{tag}</Chip>
      ))}
      {line.labels > 0 && (
        <span className={css.notes} title={`${line.labels} labels and notes`}>
          <Icon name="note" /> {line.labels}
        </span>
      )}
    </span>
  );
}
