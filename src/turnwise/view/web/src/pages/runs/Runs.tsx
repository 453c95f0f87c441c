/** All runs of the store: find, sort, watch, and choose some to compare. */

import { useQuery } from "@tanstack/react-query";
import { useCallback, useState } from "react";

import { usePages } from "@/api/pages";
import { type RunsQuery, ask } from "@/api/queries";
import type { RunsPage } from "@/api/types";
import { plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { pick, useParams } from "@/lib/query";
import { Button, LinkButton } from "@/parts/Button";
import { Icon } from "@/parts/Icon";
import { Page } from "@/parts/Page";
import { Empty, Failure, Loading } from "@/parts/State";
import { type Order, Table } from "@/parts/Table";

import { Filters } from "./Filters";
import { columns } from "./columns";

const SIZE = 100;
const MOST = 8;
const rowsOf = (page: RunsPage) => page.rows;

export function Runs() {
  const [params, setParams] = useParams();
  const query: RunsQuery = pick(params, [
    "text",
    "environment",
    "agent",
    "kind",
    "status",
    "tag",
    "sort",
    "order",
  ]);
  const pages = usePages(SIZE, (offset) => ask.runs({ ...query, offset, limit: SIZE }), rowsOf);
  const facets = useQuery(ask.runs({ ...query, offset: 0, limit: SIZE }));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const toggle = useCallback(
    (run: string) =>
      setChosen((now) => (now.includes(run) ? now.filter((id) => id !== run) : [...now, run].slice(-MOST))),
    [],
  );
  const filtered = Object.keys(query).some((key) => key !== "sort" && key !== "order");
  return (
    <Page
      wide
      title="Runs"
      note={facets.data && <Count total={facets.data.total} all={facets.data.all} />}
      actions={<Chosen runs={chosen} clear={() => setChosen([])} />}
    >
      <Filters params={params} set={setParams} facets={facets.data} />
      {pages.error ? (
        <Failure error={pages.error} retry={pages.retry} />
      ) : pages.loading && pages.total === 0 ? (
        <Loading lines={10} />
      ) : pages.total === 0 ? (
        <Nothing filtered={filtered} />
      ) : null}
      <div hidden={pages.total === 0 || pages.error !== undefined}>
        <Table
          label="Runs"
          columns={columns(chosen, toggle)}
          total={pages.total}
          row={pages.row}
          rowKey={(run) => run.id}
          look={pages.look}
          sort={query.sort ?? "created"}
          order={query.order ?? "desc"}
          onSort={(sort: string, order: Order) => setParams({ sort, order }, { replace: true })}
          height={52}
        />
      </div>
    </Page>
  );
}

function Count({ total, all }: { total: number; all: number }) {
  return <span>{total === all ? plural(all, "run") : `${total} of ${plural(all, "run")}`}</span>;
}

function Chosen({ runs, clear }: { runs: readonly string[]; clear: () => void }) {
  if (runs.length === 0) return null;
  return (
    <>
      <Button tone="bare" onClick={clear}>
        Clear selection
      </Button>
      {runs.length < 2 ? (
        <Button disabled icon={<Icon name="compare" />}>
          Choose another to compare
        </Button>
      ) : (
        <LinkButton to={paths.compare(runs)} tone="primary" icon={<Icon name="compare" />}>
          Compare {runs.length} runs
        </LinkButton>
      )}
    </>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty title="No run fits">Take a filter away to see more.</Empty>;
  return (
    <Empty title="No runs yet">
      Start one in a terminal, and it appears here while it plays:
      <br />
      <code>turnwise run number_guess --agent random</code>
    </Empty>
  );
}
