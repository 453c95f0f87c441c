"""What became of each task of a run, and why: the episodes that played it, their scores, their reasons.

An environment says why an episode did not go well by a note `reasons`, a list of lines about the whole
episode. Where there is none, the report says how the episode ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast

import msgspec

from turnwise.engine.report.checks import Check
from turnwise.engine.results import Run
from turnwise.environments.parts.reasons import REASONS
from turnwise.log import EpisodeLog
from turnwise.metrics import Estimate
from turnwise.store.rows import EpisodeRow

_MOST = 1000
"""Episodes whose logs are read for their reasons, the first ones."""

Result: TypeAlias = Literal["passed", "failed", "error"]
"""`error`: no episode of the task has a score."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One episode of a task."""

    episode: str
    """`RUN/NUMBER`."""
    score: float | None
    seconds: float
    reasons: tuple[str, ...] = ()
    """Why it did not go well; empty where it did."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """One task."""

    task: str
    result: Result
    score: float | None
    """Mean over the episodes that have one."""
    tries: tuple[Tried, ...]

    @property
    def seconds(self) -> float:
        """What its episodes took, added up."""
        return sum(one.seconds for one in self.tries)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a suite."""

    run: str
    environment: str
    agents: dict[str, str]
    seed: int
    created: float
    score: Estimate
    solved: float
    """From this mean score on a task has passed."""
    tasks: tuple[Played, ...]
    checks: tuple[Check, ...] = ()

    @property
    def passed(self) -> int:
        """Tasks that did."""
        return sum(one.result == "passed" for one in self.tasks)

    @property
    def episodes(self) -> int:
        """How many were played."""
        return sum(len(one.tries) for one in self.tasks)


def report(run: Run, *, solved: float = 0.5, checks: Sequence[Check] = ()) -> Report:
    """Read a run.

    Args:
        run: Finished or not; what has not ended is not in it.
        solved: A task has passed from this mean score on.
        checks: What the whole was held against.
    """
    rows: dict[str, list[EpisodeRow]] = {}
    for row in run.episodes():
        if row.stop is not None:
            rows.setdefault(row.task, []).append(row)
    short = [row for found in rows.values() for row in found if row.score is None or row.score < solved]
    why = _reasons(run, short[:_MOST])
    config = run.config
    return Report(
        run=run.id,
        environment=run.row.environment,
        agents={role: agent.use for role, agent in config.agents.items()},
        seed=config.seed,
        created=run.row.created,
        score=run.score,
        solved=solved,
        tasks=tuple(_played(run.id, task, found, solved, why) for task, found in rows.items()),
        checks=tuple(checks),
    )


def _played(
    run: str, task: str, rows: Sequence[EpisodeRow], solved: float, why: dict[int, tuple[str, ...]]
) -> Played:
    tries = tuple(
        Tried(
            episode=f"{run}/{row.number}",
            score=row.score,
            seconds=row.seconds or 0.0,
            reasons=why.get(row.number, ()),
        )
        for row in rows
    )
    scores = [row.score for row in rows if row.score is not None]
    mean = sum(scores) / len(scores) if scores else None
    result: Result = "error" if mean is None else "passed" if mean >= solved else "failed"
    return Played(task=task, result=result, score=mean, tries=tries)


def _reasons(run: Run, rows: Sequence[EpisodeRow]) -> dict[int, tuple[str, ...]]:
    """Why episodes did not go well, by number."""
    found: dict[int, tuple[str, ...]] = {row.number: (_ended(row),) for row in rows}
    logs = run.store.read_many(run.row.number, [row.number for row in rows if row.error is None])
    return found | {number: told for number, log in logs if (told := reasons(log))}


def reasons(log: EpisodeLog) -> tuple[str, ...]:
    """What the environment says was wrong with an episode."""
    noted = [note.value for note in log.notes if note.name == REASONS and note.turn is None]
    return tuple(_line(one) for value in noted if isinstance(value, list) for one in cast("list[Any]", value))


def _ended(row: EpisodeRow) -> str:
    """How an episode ended, in a line."""
    if row.error is not None:
        return _line(f"{row.error.get('type')}: {row.error.get('message')}")
    how = f"{row.stop} ({row.detail})" if row.detail else str(row.stop)
    return f"no verdict; {how}" if row.score is None else f"score {row.score:g}; {how}"


def _line(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 300 else f"{text[:299]}…"
