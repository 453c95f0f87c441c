/** The run's episodes: filtered, sorted, any number of them. */

import { useMemo } from "react";

import { usePages } from "@/api/pages";
import { ask } from "@/api/queries";
import type { EpisodesPage, RunPage } from "@/api/types";
import { plural } from "@/lib/format";
import { useParams } from "@/lib/query";
import { Empty, Failure } from "@/parts/State";
import { type Order, Table } from "@/parts/Table";

import { GridFilters } from "./GridFilters";
import { columns } from "./columns";
import { FILTERS, episodesQuery, queryText } from "./query";
import css from "./run.module.css";

export const GRID = "episodes";
const SIZE = 100;
const rowsOf = (page: EpisodesPage) => page.rows;

export function Grid({ run, stops }: { run: string; stops: RunPage["stops"] }) {
  const [params, setParams] = useParams();
  const query = episodesQuery(params);
  const text = queryText(query);
  const pages = usePages(SIZE, (offset) => ask.episodes(run, { ...query, offset, limit: SIZE }), rowsOf);
  const shown = useMemo(() => columns(run, text), [run, text]);
  const filtered = FILTERS.some((name) => params.has(name));
  const none = !pages.loading && pages.total === 0;
  return (
    <section id={GRID} className={css.grid} aria-labelledby="episodes-title">
      <header className={css.gridHead}>
        <h2 id="episodes-title">Episodes</h2>
        <span role="status" className={css.count}>
          {plural(pages.total, "episode")}
          {filtered && " fit"}
        </span>
      </header>
      <GridFilters params={params} set={setParams} stops={stops} />
      {pages.error && <Failure error={pages.error} retry={pages.retry} />}
      {none && !pages.error && (
        <Empty title={filtered ? "No episode fits" : "No episode began yet"}>
          {filtered ? "Take a filter away to see more." : "It appears here as soon as it does."}
        </Empty>
      )}
      <div hidden={none || pages.error !== undefined}>
        <Table
          label="Episodes"
          columns={shown}
          total={pages.total}
          row={pages.row}
          rowKey={(episode) => episode.number}
          look={pages.look}
          sort={query.sort ?? "number"}
          order={query.order ?? "asc"}
          onSort={(sort: string, order: Order) => setParams({ sort, order }, { replace: true })}
          height={40}
        />
      </div>
    </section>
  );
}
