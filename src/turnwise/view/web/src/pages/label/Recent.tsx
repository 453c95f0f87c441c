/** All labels, newest first. */

import { usePages } from "@/api/pages";
import { ask } from "@/api/queries";
import type { Label, LabelsPage } from "@/api/types";
import { clip, plural, score, when } from "@/lib/format";
import { plain } from "@/lib/visible";
import { Chip } from "@/parts/Chip";
import { Empty, Failure } from "@/parts/State";
import { type Column, Table } from "@/parts/Table";

import { Target } from "./Agreement";
import css from "./label.module.css";

const SIZE = 100;
const rowsOf = (page: LabelsPage) => page.rows;

const COLUMNS: readonly Column<Label>[] = [
  { key: "kind", label: "What", width: "5rem", cell: (label) => <Chip>{label.kind}</Chip> },
  {
    key: "target",
    label: "On",
    width: "minmax(8rem, 2fr)",
    cell: (label) => <Target target={label.target} />,
  },
  { key: "value", label: "Says", width: "minmax(6rem, 3fr)", cell: (label) => told(label) },
  { key: "who", label: "By", width: "minmax(4rem, 1fr)", room: 2, cell: (label) => label.annotator },
  {
    key: "when",
    label: "When",
    width: "9.5rem",
    room: 3,
    number: true,
    cell: (label) => when(new Date(label.created * 1000)),
  },
];

export function Recent() {
  const pages = usePages(SIZE, (offset) => ask.labels({ offset, limit: SIZE }), rowsOf);
  return (
    <section className={css.recent} aria-labelledby="recent-title">
      <h2 id="recent-title">
        All labels <span className={css.faint}>{plural(pages.total, "label")}</span>
      </h2>
      {pages.error && <Failure error={pages.error} retry={pages.retry} />}
      {pages.total === 0 && !pages.loading && !pages.error && <Empty title="None yet" />}
      {pages.total > 0 && (
        <Table
          label="Labels"
          columns={COLUMNS}
          total={pages.total}
          row={pages.row}
          rowKey={(label) => label.id}
          look={pages.look}
          height={38}
        />
      )}
    </section>
  );
}

function told({ kind, name, value, text, other }: Label): string {
  const words = text === null ? "" : clip(plain(text), 200);
  if (kind === "thumb") return `${value === 1 ? "good" : "bad"}${words === "" ? "" : `: ${words}`}`;
  if (kind === "score") return `${name === "" ? "overall" : name} ${score(value)}`;
  if (kind === "tag") return name;
  if (kind === "choice")
    return `${value === 0 ? "ties with" : value === -1 ? "beats" : "loses to"} ${other ?? ""}`;
  return words;
}
