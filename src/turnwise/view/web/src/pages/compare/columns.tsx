/** The columns of the table of tasks: the mean score in each run, and the way to the transcripts. */

import { Link } from "wouter";

import type { TaskRow } from "@/api/types";
import { score } from "@/lib/format";
import { named, paths } from "@/lib/paths";
import { Chip, type Tone } from "@/parts/Chip";
import type { Column } from "@/parts/Table";

const TONES: Record<TaskRow["verdict"], Tone> = {
  gained: "good",
  improved: "good",
  lost: "bad",
  worse: "bad",
  same: "plain",
  alone: "plain",
};

export function columns(runs: readonly string[]): readonly Column<TaskRow>[] {
  return [
    {
      key: "task",
      label: "Task",
      width: "minmax(5rem, 2fr)",
      narrow: "minmax(3rem, 1fr)",
      cell: (row) => <span title={row.task}>{row.task}</span>,
    },
    ...runs.map((run, place): Column<TaskRow> => ({
      key: run,
      label: run,
      width: "minmax(3.5rem, 1fr)",
      narrow: "3.25rem",
      number: true,
      cell: (row) => <Mean row={row} run={run} place={place} />,
    })),
    {
      key: "verdict",
      label: "What became of it",
      hidden: true,
      width: "5.5rem",
      room: 2,
      cell: (row) => <Chip tone={TONES[row.verdict]}>{row.verdict}</Chip>,
    },
    {
      key: "read",
      label: "Transcripts",
      width: "6rem",
      narrow: "4.75rem",
      cell: (row) => <Read row={row} runs={runs} />,
    },
  ];
}

function Mean({ row, run, place }: { row: TaskRow; run: string; place: number }) {
  const numbers = row.episodes[place] ?? [];
  const value = score(row.means[place]);
  if (numbers.length === 0) return value;
  return <Link href={paths.run(run, `numbers=${numbers.join(",")}`)}>{value}</Link>;
}

function Read({ row, runs: [a, b] }: { row: TaskRow; runs: readonly string[] }) {
  const [first] = row.episodes[0] ?? [];
  const [second] = row.episodes[1] ?? [];
  if (a === undefined || b === undefined || first === undefined || second === undefined) return null;
  return (
    <Link href={paths.align(named({ run: a, number: first }), named({ run: b, number: second }))}>
      side by side
    </Link>
  );
}
