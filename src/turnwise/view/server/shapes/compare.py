"""Runs by task, episodes by turn."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from turnwise.view.server.shapes.base import Asked, Interval, Limit, Offset, Reply, Short
from turnwise.view.server.shapes.run import SuccessByTurn
from turnwise.view.server.shapes.runs import RunLine


class CompareQuery(Asked, frozen=True, kw_only=True):
    """Which runs to compare, paired by task; the first is the baseline."""

    runs: Annotated[str, msgspec.Meta(max_length=2_000)]
    """Ids, by commas: 2 to 8."""
    solved: float = 0.5
    """A task counts as solved from this mean score on."""
    show: Literal["all", "flipped", "gained", "lost", "improved", "worse", "same", "alone"] = "flipped"
    """Which tasks, of the second run against the first."""
    offset: Offset = 0
    limit: Limit = 100


class Pair(Reply, frozen=True, kw_only=True):
    """Run B against run A on the tasks that both scored; differences are B - A."""

    a: str
    b: str
    tasks: int
    mean_a: Interval
    mean_b: Interval
    difference: Interval
    """Its t interval."""
    bootstrap: Interval
    p: float | None
    """Two-sided, by permutation of signs."""
    exact: bool
    """Whether all sign patterns were looked at."""
    mcnemar: float | None
    gained: int
    """Tasks that flipped to solved."""
    lost: int
    improved: int
    worse: int
    same: int
    only_a: int
    only_b: int


class TaskRow(Reply, frozen=True, kw_only=True):
    """A task in each of the runs."""

    task: str
    means: list[float | None]
    episodes: list[list[int]]
    """Numbers in each run; 20 at most."""
    verdict: Literal["gained", "lost", "improved", "worse", "same", "alone"]


class ComparePage(Reply, frozen=True, kw_only=True):
    """Runs on the same tasks."""

    runs: list[RunLine]
    pairs: list[Pair]
    """Each further run against the first."""
    rows: list[TaskRow]
    total: int
    """Tasks that `show` asks for."""
    offset: int
    curves: list[SuccessByTurn | None]


class AlignQuery(Asked, frozen=True, kw_only=True):
    """Which two episodes to lay side by side."""

    a: Short
    """`RUN/NUMBER`."""
    b: Short


class AlignRow(Reply, frozen=True, kw_only=True):
    """A turn of one, of the other, or of both."""

    a: int | None
    b: int | None
    same: bool
    """Whether both say the same."""


class AlignPage(Reply, frozen=True, kw_only=True):
    """Two episodes aligned by turn; the turns themselves are asked for by range."""

    a: str
    b: str
    rows: list[AlignRow]
    shared: int
    """Turns at the beginning that are the same."""
