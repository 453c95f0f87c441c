"""Full-text search as the page asks it: hits as plain text with ranges, by the names of runs."""

from __future__ import annotations

from turnwise.store import search
from turnwise.store.search import Place
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s

_COUNTED = 1_000
_FRESH = 0.15
"""Seconds of a request that may go into catching the index up."""


def page(source: Source, query: s.SearchQuery) -> s.SearchPage:
    """The turns that fit.

    Raises:
        ConfigError: there is nothing to look for in the query.
        MissingError: there is no such run.
        StoreError: the index cannot be read or made.
    """
    terms = search.terms(query.q)
    run = None if query.run is None else source.run(query.run).row.number
    place = Place(run, query.episode if run is not None else None, query.role)
    progress = source.fresh(_FRESH)
    count = source.search.count(terms, place, _COUNTED + 1)
    # Of very many, the newest come first: to rank them, all would have to be looked at.
    ranked = count <= _COUNTED
    found = source.search.find(terms, place, limit=query.limit, offset=query.offset, ranked=ranked)
    names = source.names({one.run for one in found})
    return s.SearchPage(
        hits=[_hit(one, names[one.run]) for one in found if one.run in names],
        total=min(count, _COUNTED),
        more=count > _COUNTED,
        index=s.IndexState(done=progress.done, of=progress.of),
    )


def _hit(found: search.Found, run: str) -> s.Hit:
    text, ranges = search.snippet(found)
    return s.Hit(
        run=run, episode=found.episode, turn=found.turn, role=found.role, snippet=text, ranges=ranges
    )
