"""The grid of a run's episodes: any filter, any order, any window of it, straight from the database."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.store import search
from turnwise.store.schema import episodes
from turnwise.store.store import Store
from turnwise.view.reading import words
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s

_COLUMNS = (
    *("number", "task", "epoch", "stop", "detail", "score", "turns", "calls", "tool_calls"),
    *("input", "output", "cost", "seconds", "error"),
)
_FRESH = 0.15
"""Seconds of a request that may go into catching the search index up."""
_BOUNDS = (("turns", "turns"), ("seconds", "seconds"), ("cost", "cost"), ("score", "score"))


def page(source: Source, run: Run, query: s.EpisodesQuery) -> s.EpisodesPage:
    """The episodes that fit a query, in its order.

    Raises:
        ConfigError: the query cannot be read.
    """
    fits = _fitting(source, run, query)
    chosen = sa.select(*(episodes.c[name] for name in _COLUMNS)).where(*fits).order_by(*_order(query))
    count = sa.select(sa.func.count()).select_from(episodes).where(*fits)
    with source.store.reading("episodes") as connection:
        total = connection.scalar(count) or 0
        rows = connection.execute(chosen.limit(query.limit).offset(query.offset)).mappings().all()
    said = words.by_episode(source, run.id)
    shown = [line(dict(row), said.get(row["number"], words.NONE)) for row in rows]
    return s.EpisodesPage(rows=shown, total=total, offset=query.offset)


def neighbours(source: Source, run: Run, number: int, query: s.EpisodesQuery) -> s.Neighbours:
    """What is before and after an episode among those of a query, in its order.

    Raises:
        ConfigError: the query cannot be read.
    """
    chosen = sa.select(episodes.c.number).where(*_fitting(source, run, query)).order_by(*_order(query))
    with source.store.reading("episodes") as connection:
        numbers = [found for (found,) in connection.execute(chosen)]
    if number not in numbers:
        return s.Neighbours(previous=None, next=None, place=None, total=len(numbers))
    place = numbers.index(number)
    return s.Neighbours(
        previous=numbers[place - 1] if place else None,
        next=numbers[place + 1] if place + 1 < len(numbers) else None,
        place=place,
        total=len(numbers),
    )


def line(row: dict[str, Any], said: words.Words) -> s.EpisodeLine:
    """A row of the table as replies give it."""
    error = row["error"]
    if error is not None:
        failure = msgspec.json.decode(error) if isinstance(error, str) else error
        error = " ".join(f"{failure.get('type')}: {failure.get('message')}".split())[:300]
    values = {name: row[name] for name in _COLUMNS if name != "error"}
    return s.EpisodeLine(**values, error=error, tags=list(said.tags), labels=said.labels)


def among(store: Store, column: sa.ColumnElement[int], numbers: Iterable[int]) -> sa.ColumnElement[bool]:
    """Whether a column is one of very many numbers, more than a statement takes as parameters."""
    if store.embedded:
        listed = msgspec.json.encode(list(numbers)).decode()
        table = sa.func.json_each(listed).table_valued("value")
        return column.in_(sa.select(table.c.value))
    return column == sa.any_(sa.cast(list(numbers), ARRAY(sa.Integer)))


def numbers_of(text: str, most: int) -> list[int]:
    """The numbers below `most` that `3,7,20-29` means.

    Raises:
        ConfigError: it means none.
    """
    spans: list[tuple[int, int]] = []
    for piece in text.split(","):
        first, dash, last = piece.strip().partition("-")
        ends = [first, last if dash else first]
        if not all(end.isascii() and end.isdigit() and len(end) < 10 for end in ends):
            raise ConfigError(f"numbers: {piece[:40]!r}: expected numbers and ranges such as 3,7,20-29")
        spans.append((int(ends[0]), min(int(ends[1]), most - 1)))
    found: list[int] = []
    for low, high in sorted(spans):
        # What was there already is not there twice.
        found += range(max(low, found[-1] + 1) if found else low, high + 1)
    return found


# Inside -----------------------------------------------------------------------------------------------


def _fitting(source: Source, run: Run, query: s.EpisodesQuery) -> list[sa.ColumnElement[bool]]:
    """What the rows of a query have to be."""
    column, store = episodes.c, source.store
    fits: list[sa.ColumnElement[bool]] = [column.run == run.row.number]
    for prefix, name in _BOUNDS:
        low, high = getattr(query, f"{prefix}_min"), getattr(query, f"{prefix}_max")
        fits += [column[name] >= low] if low is not None else []
        fits += [column[name] <= high] if high is not None else []
    if query.score_below is not None:
        fits.append(column.score < query.score_below)
    if query.scored is not None:
        fits.append(column.score.is_not(None) if query.scored else column.score.is_(None))
        fits += [] if query.scored else [column.stop.is_not(None)]
    if query.stop is not None:
        fits.append(_stopped(query.stop.split(",")))
    if query.error is not None:
        kind = msgspec.json.encode(query.error).decode()
        fits.append(column.error.startswith(f'{{"type":{kind}', autoescape=True))
    if query.task is not None:
        beginning = query.task.endswith("*")
        fits.append(
            column.task.startswith(query.task[:-1], autoescape=True)
            if beginning
            else column.task == query.task
        )
    if query.epoch is not None:
        fits.append(column.epoch == query.epoch)
    if query.numbers is not None:
        fits.append(among(store, column.number, numbers_of(query.numbers, run.row.planned)))
    if query.tag is not None or query.labelled is not None:
        fits += _said(source, run, query)
    if query.text is not None:
        source.fresh(_FRESH)
        found = source.search.episodes(search.terms(query.text), run.row.number)
        fits.append(among(store, column.number, found))
    return fits


def _stopped(reasons: list[str]) -> sa.ColumnElement[bool]:
    ended = episodes.c.stop.in_([reason.strip() for reason in reasons])
    return sa.or_(ended, episodes.c.stop.is_(None)) if "running" in reasons else ended


def _said(source: Source, run: Run, query: s.EpisodesQuery) -> list[sa.ColumnElement[bool]]:
    said = words.by_episode(source, run.id)
    number, store = episodes.c.number, source.store
    fits: list[sa.ColumnElement[bool]] = []
    if query.tag is not None:
        fits.append(among(store, number, [n for n, word in said.items() if query.tag in word.tags]))
    if query.labelled is not None:
        labelled = among(store, number, [n for n, word in said.items() if word.labels or word.tags])
        fits.append(labelled if query.labelled else sa.not_(labelled))
    return fits


def _order(query: s.EpisodesQuery) -> list[Any]:
    """What is missing comes last, whatever the order; equals stand by number."""
    column = episodes.c[query.sort]
    number = episodes.c.number
    if query.sort == "number":
        return [number.desc() if query.order == "desc" else number]
    return [column.is_(None), column.desc() if query.order == "desc" else column, number]
