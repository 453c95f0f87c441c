"""What the store tells of runs and episodes: plain structs, one for a row."""

from __future__ import annotations

from typing import Any

import msgspec


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    number: int
    """Its key in the store."""
    id: str
    """Its name everywhere else."""
    kind: str
    """`run`, `fork`, `train`, `eval` (of a policy in training), or `judge` (of another run)."""
    environment: str
    planned: int
    """Episodes it shall have."""
    created: float
    """Seconds since the epoch, as `ended`."""
    ended: float | None = None
    status: str
    """`running`, `done`, or `stopped` (it can be resumed)."""
    parent: str | None = None
    """For a fork: the episode and turn it left, `RUN/NUMBER@TURN`; for an evaluation: `RUN@STEP`; for a
    judge: the run it judges, or of pairs `RUN~RUN`."""
    config: dict[str, Any]
    """The resolved configuration."""
    provenance: dict[str, Any]
    """Versions and git state it was started with."""
    owner: str | None = None
    """The process that works on it."""
    beat: float | None = None
    """When that process last said so."""


class EpisodeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One episode in short; None where it has not ended yet."""

    number: int
    task: str
    epoch: int
    seed: int
    stop: str | None = None
    detail: str | None = None
    score: float | None = None
    """None also where the episode failed, or its verdict is missing."""
    turns: int | None = None
    calls: int | None = None
    tool_calls: int | None = None
    input: int | None = None
    """Tokens, as `output` and `cached`."""
    output: int | None = None
    cached: int | None = None
    cost: float | None = None
    seconds: float | None = None
    metrics: dict[str, float] = {}
    error: dict[str, Any] | None = None
    """`type`, `message` and `traceback` of what made it fail."""


class RunCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run is."""

    ended: int = 0
    failed: int = 0
    turns: int = 0
    score: float | None = None
    """Mean over the episodes that have one."""
    cost: float = 0.0
