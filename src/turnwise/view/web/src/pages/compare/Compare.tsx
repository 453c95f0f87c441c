/** Runs on the same tasks: how far they differ, how surely, and on which tasks. */

import { useQuery } from "@tanstack/react-query";

import { asApiError } from "@/api/errors";
import { usePages } from "@/api/pages";
import { type CompareQuery, ask } from "@/api/queries";
import type { ComparePage } from "@/api/types";
import { Band } from "@/charts/Band";
import { percent, plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Legend } from "@/charts/Legend";
import { Segmented } from "@/parts/Field";
import { Page } from "@/parts/Page";
import { Panel } from "@/parts/Panel";
import { Empty, Failure, Loading } from "@/parts/State";
import { Table } from "@/parts/Table";

import { curve } from "../run/Success";
import { PairPanel } from "./PairPanel";
import { columns } from "./columns";
import css from "./compare.module.css";

const SIZE = 100;
const CRUMBS = [{ text: "Runs", href: paths.runs() }];
const rowsOf = (page: ComparePage) => page.rows;

type Show = NonNullable<CompareQuery["show"]>;

const SHOW: readonly { value: Show; label: string }[] = [
  { value: "flipped", label: "Flipped" },
  { value: "gained", label: "Gained" },
  { value: "lost", label: "Lost" },
  { value: "improved", label: "Better" },
  { value: "worse", label: "Worse" },
  { value: "same", label: "Same" },
  { value: "alone", label: "In one only" },
  { value: "all", label: "All" },
];

export function Compare() {
  const [params] = useParams();
  const runs = params.get("runs") ?? "";
  if (runs.split(",").filter((run) => run !== "").length < 2) {
    return (
      <Page title="Compare" crumbs={CRUMBS}>
        <Empty title="Choose two runs">Tick them in the table of runs, then press Compare.</Empty>
      </Page>
    );
  }
  return <Compared runs={runs} />;
}

function Compared({ runs }: { runs: string }) {
  const [params, setParams] = useParams();
  const show = SHOW.find(({ value }) => value === params.get("show"))?.value ?? "flipped";
  const query: CompareQuery = { runs, show, limit: SIZE };
  const answer = useQuery({ ...ask.compare({ ...query, offset: 0 }), placeholderData: (old) => old });
  const pages = usePages(SIZE, (offset) => ask.compare({ ...query, offset }), rowsOf);
  const page = answer.data;
  return (
    <Page wide title="Compare" crumbs={CRUMBS} note={page && <Names page={page} />}>
      {answer.error && <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />}
      {page === undefined && !answer.error && <Loading lines={12} />}
      {page && (
        <>
          <div className={css.panels}>
            {page.pairs.map((pair) => (
              <PairPanel key={pair.b} pair={pair} />
            ))}
            <Curves page={page} />
          </div>
          <section className={css.tasks} aria-labelledby="tasks-title">
            <header className={css.head}>
              <h2 id="tasks-title">Tasks</h2>
              <Segmented
                label="Which tasks"
                value={show}
                options={SHOW}
                onChange={(value) => setParams({ show: value }, { replace: true })}
              />
              <span role="status" className={css.count}>
                {plural(pages.total, "task")}
              </span>
            </header>
            {pages.total === 0 && !pages.loading ? (
              <Empty title={show === "flipped" ? "No task flipped" : "No such task"} />
            ) : (
              <Table
                label="Tasks"
                columns={columns(page.runs.map((run) => run.id))}
                total={pages.total}
                row={pages.row}
                rowKey={(row) => row.task}
                look={pages.look}
                height={40}
              />
            )}
          </section>
        </>
      )}
    </Page>
  );
}

function Names({ page }: { page: ComparePage }) {
  const [base, ...others] = page.runs;
  return (
    <span>
      {others.map((run) => run.id).join(", ")} against {base?.id}
    </span>
  );
}

function Curves({ page }: { page: ComparePage }) {
  const series = page.runs.flatMap((run, place) => {
    const solved = page.curves[place];
    const points = solved
      ? curve(solved, (query) => (query === "" ? undefined : paths.run(run.id, query)))
      : [];
    return points.length > 1 ? [{ name: run.id, points }] : [];
  });
  if (series.length === 0) return null;
  return (
    <Panel title="Success by turn">
      <Legend names={series.map((one) => one.name)} />
      <Band
        label="Share solved"
        series={series}
        xLabel="turns of the first role"
        yDomain={[0, 1]}
        yTicks={(value) => percent(value)}
      />
    </Panel>
  );
}
