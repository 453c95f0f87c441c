"""The table of runs: what is asked of the store for it, filtered and sorted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple, cast

import sqlalchemy as sa

from turnwise.engine.results import estimate
from turnwise.log import Stop
from turnwise.metrics import Estimate
from turnwise.store import owner
from turnwise.store.rows import RunRow
from turnwise.store.schema import episodes
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s


class Totals(NamedTuple):
    """Sums over the episodes of a run."""

    begun: int = 0
    done: int = 0
    failed: int = 0
    turns: int = 0
    input: int = 0
    output: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    score: float | None = None
    """Mean over the episodes that have one."""


def page(source: Source, query: s.RunsQuery, *, here: Container[str] = ()) -> s.RunsPage:
    """The runs that fit a query, in its order.

    Args:
        source: Where they are.
        query: Which.
        here: Ids of the runs that this process plays.
    """
    rows = source.rows()
    totals = totals_of(source, rows)
    tags = run_tags(source)
    fitting = [row for row in rows if _fits(row, query, tags.get(row.id, []))]
    fitting.sort(key=_order(query.sort, totals), reverse=query.order == "desc")
    shown = fitting[query.offset : query.offset + query.limit]
    return s.RunsPage(
        rows=lines(source, shown, here=here, totals=totals, tags=tags),
        total=len(fitting),
        offset=query.offset,
        all=len(rows),
        environments=_facets(row.environment for row in rows),
        agents=_facets(name for row in rows for name in sorted(set(agents(row).values()))),
        kinds=_facets(row.kind for row in rows),
    )


def line(source: Source, row: RunRow, *, here: Container[str] = ()) -> s.RunLine:
    """One run."""
    return lines(source, [row], here=here)[0]


def lines(
    source: Source,
    rows: Sequence[RunRow],
    *,
    here: Container[str] = (),
    totals: dict[int, Totals] | None = None,
    tags: dict[str, list[str]] | None = None,
) -> list[s.RunLine]:
    """Runs as lines of a table, in the order given."""
    totals = totals_of(source, rows) if totals is None else totals
    tags = run_tags(source) if tags is None else tags
    scores = _scores(source, rows, totals)
    return [
        s.RunLine(
            id=row.id,
            kind=row.kind,
            environment=row.environment,
            agents=agents(row),
            created=row.created,
            ended=row.ended,
            status=status(row),
            planned=row.planned,
            begun=total.begun,
            done=total.done,
            failed=total.failed,
            score=scores[row.number],
            turns=total.turns,
            input=total.input,
            output=total.output,
            cost=total.cost,
            seconds=total.seconds,
            parent=row.parent,
            tags=tags.get(row.id, []),
            here=row.id in here,
        )
        for row in rows
        for total in [totals.get(row.number, Totals())]
    ]


def status(row: RunRow) -> Literal["running", "done", "stopped"]:
    """Of a run; one whose process is gone is stopped."""
    if row.status == "running":
        return "running" if row.owner and owner.alive(row.owner, row.beat) else "stopped"
    return "done" if row.status == "done" else "stopped"


def agents(row: RunRow) -> dict[str, str]:
    """Name of the agent in each role, as the config says it."""
    named = cast("dict[str, Any]", row.config.get("agents") or {})
    return {
        role: agent if isinstance(agent, str) else str(agent.get("use", "?")) for role, agent in named.items()
    }


def interval(found: Estimate) -> s.Interval:
    """An estimate as replies give it."""

    def finite(value: float) -> float | None:
        return value if isfinite(value) else None

    return s.Interval(
        mean=finite(found.mean),
        low=finite(found.low),
        high=finite(found.high),
        n=found.n,
        missing=found.missing,
    )


def run_tags(source: Source) -> dict[str, list[str]]:
    """The tags of each run that has any."""
    found: dict[str, set[str]] = defaultdict(set)
    for word in source.annotations.held():
        if word.kind == "tag" and word.target.episode is None:
            found[word.target.run].add(word.name)
    return {run: sorted(names) for run, names in found.items()}


def learn(source: Source, row: RunRow, total: Totals, ended: Sequence[tuple[str, float | None]]) -> None:
    """Remember a run's score, told from the task and score of each episode that ended."""
    tasks, scores = [task for task, _ in ended], [score for _, score in ended]
    source.cache.get(_scored(row, total), lambda: interval(estimate(tasks, scores)))


def totals_of(source: Source, rows: Sequence[RunRow]) -> dict[int, Totals]:
    """Sums over the episodes of runs; of runs that nobody works on they are read once."""
    known: dict[int, Totals] = {}
    wanted: list[RunRow] = []
    for row in rows:
        kept = source.cache.peek(_settled(row, "totals"))
        if kept is None:
            wanted.append(row)
        else:
            known[row.number] = kept
    if wanted:
        read = _read_totals(source, [row.number for row in wanted])
        for row in wanted:
            known[row.number] = read.get(row.number, Totals())
            if row.status != "running":
                source.cache.put(_settled(row, "totals"), known[row.number])
    return known


# Inside -----------------------------------------------------------------------------------------------


def _settled(row: RunRow, what: str) -> tuple[Any, ...]:
    """A key that changes when somebody has worked on the run."""
    return what, row.id, row.status, row.ended


def _read_totals(source: Source, numbers: Sequence[int]) -> dict[int, Totals]:
    column = episodes.c
    query = sa.select(
        column.run,
        sa.func.count(),
        sa.func.count(column.stop),
        sa.func.count().filter(column.stop == Stop.ERROR.value),
        *(sa.func.coalesce(sa.func.sum(column[name]), 0) for name in Totals._fields[3:8]),
        sa.func.avg(column.score),
    ).group_by(column.run)
    if len(numbers) < 500:
        query = query.where(column.run.in_(numbers))
    with source.store.reading("episodes") as connection:
        return {row[0]: Totals(*row[1:]) for row in connection.execute(query)}


def _scores(source: Source, rows: Sequence[RunRow], totals: dict[int, Totals]) -> dict[int, s.Interval]:
    """Mean scores with their intervals; a run's is worked out anew when another episode of it ended."""
    found: dict[int, s.Interval] = {}
    for row in rows:
        key = _scored(row, totals.get(row.number, Totals()))
        found[row.number] = source.cache.get(
            key, lambda number=row.number: interval(estimate(*source.store.scores(number)))
        )
    return found


def _scored(row: RunRow, total: Totals) -> tuple[Any, ...]:
    return (*_settled(row, "score"), total.done)


def _fits(row: RunRow, query: s.RunsQuery, tags: Sequence[str]) -> bool:
    names = agents(row).values()
    if query.text is not None:
        words = " ".join([row.id, row.environment, *names, *tags]).lower()
        if not all(word in words for word in query.text.lower().split()):
            return False
    wanted = (
        (query.environment, row.environment),
        (query.kind, row.kind),
        (query.status, None if query.status is None else status(row)),
    )
    return (
        all(value is None or value == its for value, its in wanted)
        and (query.agent is None or query.agent in names)
        and (query.since is None or row.created >= query.since)
        and (query.until is None or row.created < query.until)
        and (query.tag is None or query.tag in tags)
        and (query.parent is None or query.parent in parents(row))
    )


def parents(row: RunRow) -> tuple[str, ...]:
    """The runs that a fork, an evaluation or a judgement belongs to."""
    if row.parent is None:
        return ()
    if row.kind == "judge":
        return tuple(row.parent.split("~"))
    before = row.parent.rpartition("@")[0]
    return (before.rpartition("/")[0] if row.kind == "fork" else before,)


def _order(sort: str, totals: dict[int, Totals]) -> Callable[[RunRow], Any]:
    """A key to sort by; what is missing comes first in rising order, and the newest first among equals."""

    def key(row: RunRow) -> Any:
        total = totals.get(row.number, Totals())
        if sort in ("created", "id", "environment"):
            return getattr(row, sort), row.number
        if sort == "status":
            return status(row), row.number
        value = total.done if sort == "ended" else getattr(total, sort)
        return value is not None, value or 0, row.number

    return key


def _facets(values: Iterable[str]) -> list[s.Facet]:
    counts = Counter(values)
    return [s.Facet(value=value, count=count) for value, count in sorted(counts.items())]
