"""Full-text search."""

from __future__ import annotations

from turnwise.view.server.shapes.base import Asked, Limit, Offset, Reply, Short


class SearchQuery(Asked, frozen=True, kw_only=True):
    """What to look for."""

    q: Short
    """Words, all of which a turn holds; `"a phrase"`; `-word` not; `word*` for a beginning."""
    run: Short | None = None
    episode: Offset | None = None
    role: Short | None = None
    offset: Offset = 0
    limit: Limit = 50


class Hit(Reply, frozen=True, kw_only=True):
    """A turn that fits."""

    run: str
    episode: int
    turn: int
    role: str
    snippet: str
    """Plain text round the first words found."""
    ranges: list[tuple[int, int]]
    """Where words were found in `snippet`: start and end, in UTF-16 code units, as JavaScript counts."""


class IndexState(Reply, frozen=True, kw_only=True):
    """How far the index is."""

    done: int
    """Episodes that are in it."""
    of: int
    """Episodes there are."""


class SearchPage(Reply, frozen=True, kw_only=True):
    """Some of the turns that fit, best first."""

    hits: list[Hit]
    total: int
    more: bool
    """Whether there are more than `total`, which is counted up to 1,000 only."""
    index: IndexState
