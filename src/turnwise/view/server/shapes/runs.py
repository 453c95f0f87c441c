"""Runs: the table."""

from __future__ import annotations

from typing import Literal

from turnwise.view.server.shapes.base import Asked, Interval, Limit, Offset, Order, Reply, Short


class RunsQuery(Asked, frozen=True, kw_only=True):
    """Which runs to list, in which order."""

    text: Short | None = None
    """Part of the id, environment, agents or tags, in any case."""
    environment: Short | None = None
    agent: Short | None = None
    kind: Short | None = None
    status: Literal["running", "done", "stopped"] | None = None
    since: float | None = None
    """Begun at this time or later."""
    until: float | None = None
    """Begun before this time."""
    tag: Short | None = None
    parent: Short | None = None
    """Only forks, evaluations and judgements of this run."""
    sort: Literal[
        "created",
        "id",
        "environment",
        "status",
        "score",
        "ended",
        "failed",
        "turns",
        "cost",
        "input",
        "output",
    ] = "created"
    """`ended` is how many episodes ended."""
    order: Order = "desc"
    offset: Offset = 0
    limit: Limit = 100


class RunLine(Reply, frozen=True, kw_only=True):
    """A run in a table."""

    id: str
    kind: str
    """`run`, `fork`, `train`, `eval` (of a policy in training), or `judge` (of another run)."""
    environment: str
    agents: dict[str, str]
    """Name of the agent in each role."""
    created: float
    ended: float | None
    status: Literal["running", "done", "stopped"]
    """`stopped` can be resumed."""
    planned: int
    """Episodes it shall have."""
    begun: int
    """Episodes that began, `done` and `failed` ones included."""
    done: int
    """Episodes that ended, failed ones included."""
    failed: int
    score: Interval
    """Mean score, its interval clustered by task."""
    turns: int
    input: int
    """Tokens, as `output`."""
    output: int
    cost: float
    seconds: float
    """Sum over its episodes."""
    parent: str | None
    """For a fork: `RUN/NUMBER@TURN`; an evaluation: `RUN@STEP`; a judge: the run it judges, or `RUN~RUN`."""
    tags: list[str]
    here: bool
    """Whether this server plays it: then it can be stopped from here."""


class Facet(Reply, frozen=True, kw_only=True):
    """A value to filter by, and how many runs have it."""

    value: str
    count: int


class RunsPage(Reply, frozen=True, kw_only=True):
    """Some of the runs that fit."""

    rows: list[RunLine]
    total: int
    """Runs that fit."""
    offset: int
    all: int
    """Runs in the store."""
    environments: list[Facet]
    agents: list[Facet]
    kinds: list[Facet]
