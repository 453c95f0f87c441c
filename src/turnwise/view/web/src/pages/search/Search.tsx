/** Every turn of the store that holds some words. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";

import { asApiError } from "@/api/errors";
import { ask } from "@/api/queries";
import { count, plural } from "@/lib/format";
import { paths } from "@/lib/paths";
import { useParams } from "@/lib/query";
import { Button } from "@/parts/Button";
import { Page } from "@/parts/Page";
import { Snippet } from "@/parts/Snippet";
import { Empty, Failure, Loading } from "@/parts/State";

import css from "./search.module.css";

const SIZE = 50;

export function Search() {
  const [params, setParams] = useParams();
  const q = params.get("q") ?? "";
  const run = params.get("run");
  const offset = Number(params.get("offset") ?? 0) || 0;
  const answer = useQuery(ask.search({ q, offset, limit: SIZE, ...(run === null ? {} : { run }) }));
  const page = answer.data;
  const indexing = page !== undefined && page.index.done < page.index.of;
  return (
    <Page
      title={q === "" ? "Search" : `“${q}”`}
      note={
        page && (
          <>
            <span role="status">
              {page.more ? "more than " : ""}
              {plural(page.total, "turn")}
            </span>
            {indexing && (
              <span>
                so far {count(page.index.done)} of {plural(page.index.of, "episode")} can be searched
              </span>
            )}
          </>
        )
      }
    >
      {q === "" && (
        <Empty title="What are you looking for?">
          Words that a turn holds: all of them. "a phrase" in quotes, -word for one it does not hold, word*
          for a beginning.
        </Empty>
      )}
      {answer.error && <Failure error={asApiError(answer.error)} retry={() => void answer.refetch()} />}
      {answer.isLoading && <Loading />}
      {page?.hits.length === 0 && (
        <Empty title="No turn holds that">Try fewer words, or word* for a beginning.</Empty>
      )}
      <ol className={css.hits}>
        {page?.hits.map((hit) => (
          <li key={`${hit.run}/${hit.episode}@${hit.turn}`} className={css.hit}>
            <Link href={paths.episode({ run: hit.run, number: hit.episode }, { turn: hit.turn })}>
              {hit.run}, episode {hit.episode}, turn {hit.turn}
            </Link>
            <span className={css.role}>{hit.role}</span>
            <p>
              <Snippet hit={hit} />
            </p>
          </li>
        ))}
      </ol>
      {page && (offset > 0 || page.total > offset + SIZE) && (
        <div className={css.pager}>
          <Button
            disabled={offset === 0}
            onClick={() => setParams({ offset: String(Math.max(0, offset - SIZE)) })}
          >
            Before
          </Button>
          <Button
            disabled={page.total <= offset + SIZE}
            onClick={() => setParams({ offset: String(offset + SIZE) })}
          >
            After
          </Button>
        </div>
      )}
    </Page>
  );
}
