"""One run: its charts."""

from __future__ import annotations

from typing import Any

from turnwise.view.server.shapes.base import Interval, Reply
from turnwise.view.server.shapes.runs import RunLine


class CurvePoint(Reply, frozen=True, kw_only=True):
    """The share of episodes solved by a turn of the first role."""

    turn: int
    share: Interval
    query: str
    """The episodes that were solved at just this turn; empty where there are none."""


class SuccessByTurn(Reply, frozen=True, kw_only=True):
    """How the share of solved episodes grows with the turns of the first role."""

    solved: float
    """The score from which an episode counts as solved."""
    points: list[CurvePoint]
    told_from: int
    """Episodes that were read for it, spread over the run."""
    of: int
    """Episodes that ended."""


class Bin(Reply, frozen=True, kw_only=True):
    """One bar of a histogram: values from `low` to below `high` (the last bar: up to `high`)."""

    low: float
    high: float
    """Equal to `low` where the bar stands for one value."""
    count: int
    query: str


class Histogram(Reply, frozen=True, kw_only=True):
    """How values are spread."""

    bins: list[Bin]
    missing: int
    """Episodes that ended and have no value."""
    missing_query: str
    median: float | None
    p95: float | None


class StopBar(Reply, frozen=True, kw_only=True):
    """How many episodes ended for a reason."""

    stop: str
    """`running` for those that have not ended."""
    count: int
    query: str


class ErrorBar(Reply, frozen=True, kw_only=True):
    """Failures of one kind."""

    type: str
    message: str
    """Of the first; one line."""
    count: int
    query: str


class RoleUse(Reply, frozen=True, kw_only=True):
    """What one role asked of its model, a mean over the episodes that were read."""

    role: str
    agent: str | None
    calls: float
    """An episode, as all that follow."""
    input: float
    output: float
    cached: float
    reasoning: float
    cost: float
    p50: float | None
    """Seconds a call took, waits and retries included."""
    p95: float | None


class ToolUse(Reply, frozen=True, kw_only=True):
    """How often a tool was called in the episodes that were read."""

    name: str
    calls: int
    episodes: int
    """How many of them call it."""


class MetricLine(Reply, frozen=True, kw_only=True):
    """A named number of the run's episodes."""

    name: str
    value: Interval


class LearningPoint(Reply, frozen=True, kw_only=True):
    """The score at a step of a training."""

    step: int
    score: Interval
    query: str
    """The episodes of the step; empty for an evaluation."""
    run: str | None
    """The evaluation's own run."""


class Series(Reply, frozen=True, kw_only=True):
    """A number of a training, step by step: a loss, an entropy."""

    name: str
    steps: list[int]
    values: list[float | None]


class Learning(Reply, frozen=True, kw_only=True):
    """How a training went."""

    played: list[LearningPoint]
    evaluated: list[LearningPoint]
    numbers: list[Series]


class RunPage(Reply, frozen=True, kw_only=True):
    """All that is known of a run as a whole."""

    run: RunLine
    config: Any
    """The resolved configuration, as JSON."""
    provenance: Any
    solved: SuccessByTurn | None
    """Null while no episode ended, and where all scores are costs (no score is above 0)."""
    scores: Histogram | None
    stops: list[StopBar]
    errors: list[ErrorBar]
    roles: list[RoleUse]
    tools: list[ToolUse]
    told_from: int
    """Episodes that `roles` and `tools` were read from, spread over the run."""
    cost: Histogram | None
    """Of episodes; null where nothing cost anything."""
    seconds: Histogram | None
    turns: Histogram | None
    metrics: list[MetricLine]
    learning: Learning | None
    """Of a training."""
    children: list[RunLine]
    """Forks, evaluations and judgements, newest first; 100 at most."""
