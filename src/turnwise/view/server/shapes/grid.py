"""The grid of a run's episodes."""

from __future__ import annotations

from typing import Literal

from turnwise.view.server.shapes.base import Asked, Limit, Numbers, Offset, Order, Reply, Short


class EpisodesQuery(Asked, frozen=True, kw_only=True):
    """Which episodes of a run to list, in which order."""

    score_min: float | None = None
    score_max: float | None = None
    score_below: float | None = None
    """Like `score_max`, but itself excluded."""
    scored: bool | None = None
    """Whether it has a score; false lists those that ended without."""
    stop: Short | None = None
    """Stop reasons, by commas; `running` for what has not ended."""
    error: Short | None = None
    """Type of the failure."""
    turns_min: int | None = None
    turns_max: int | None = None
    seconds_min: float | None = None
    seconds_max: float | None = None
    cost_min: float | None = None
    cost_max: float | None = None
    task: Short | None = None
    """Id of the task; with `*` at the end, the beginning of it."""
    epoch: int | None = None
    numbers: Numbers | None = None
    """Numbers and ranges, by commas: `3,7,20-29`."""
    text: Short | None = None
    """Words that its turns hold (full-text search)."""
    tag: Short | None = None
    labelled: bool | None = None
    """Whether somebody labelled it or one of its turns."""
    sort: Literal["number", "task", "score", "turns", "output", "cost", "seconds", "stop", "tool_calls"] = (
        "number"
    )
    order: Order = "asc"
    offset: Offset = 0
    limit: Limit = 100


class EpisodeLine(Reply, frozen=True, kw_only=True):
    """An episode in a table."""

    number: int
    task: str
    epoch: int
    stop: str | None
    """Null while it runs, or where it was cut off."""
    detail: str | None
    score: float | None
    turns: int | None
    calls: int | None
    tool_calls: int | None
    input: int | None
    output: int | None
    cost: float | None
    seconds: float | None
    error: str | None
    """One line, where it failed."""
    tags: list[str]
    labels: int
    """Labels and notes people gave it or its turns."""


class EpisodesPage(Reply, frozen=True, kw_only=True):
    """Some of the episodes that fit."""

    rows: list[EpisodeLine]
    total: int
    offset: int


class Neighbours(Reply, frozen=True, kw_only=True):
    """The episodes before and after one, in the order and among those of a query."""

    previous: int | None
    next: int | None
    place: int | None
    """Its place among them, from 0; null where it is not one of them."""
    total: int
