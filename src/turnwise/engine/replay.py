"""Replay: an environment's script run again over a log, with no model; it must make the same log.

Pictures are never stored: who wants to see an episode watches its replay (`frames`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from turnwise import wire
from turnwise.engine.resolve import Cast
from turnwise.engine.runner import succession
from turnwise.environment import Environment
from turnwise.environments.parts.picture import Picture
from turnwise.episode import Episode
from turnwise.errors import ReplayDivergence
from turnwise.log import EpisodeLog
from turnwise.recording import Recording
from turnwise.task import Task


async def replay_log(log: EpisodeLog, environment: Environment, cast: Cast) -> EpisodeLog:
    """The log that the script makes when everything from outside is as recorded.

    Args:
        log: Of an episode that ended.
        environment: As it was then.
        cast: Whose scaffolds act; their models are not asked.

    Raises:
        ReplayDivergence: it is another one, naming the turn or part, what was recorded and what came.
    """
    again = (await _played(log, environment, cast)).log()
    _compare(log, again)
    return again


class Frame(NamedTuple):
    """How things stood at one moment of an episode."""

    turn: int
    """How many turns there were: the index of the turn that comes next."""
    picture: Picture


async def frames(log: EpisodeLog, environment: Environment, cast: Cast) -> list[Frame]:
    """All pictures that the environment shows in the course of an episode, in their order.

    Args:
        log: The episode; where it has not ended, as far as it is recorded.
        environment: As it was then.
        cast: As for `replay_log`.

    Raises:
        ReplayDivergence: what ended came out another way, so that the pictures would not be its.
    """
    seen: list[Frame] = []

    def watch(turn: int, picture: Picture | None) -> None:
        if picture is not None:
            seen.append(Frame(turn, picture))

    if log.stop is None:
        with contextlib.suppress(ReplayDivergence):
            await _played(log, environment, cast, watch)
    else:
        _compare(log, (await _played(log, environment, cast, watch)).log())
    return seen


async def _played(
    log: EpisodeLog, environment: Environment, cast: Cast, watch: Callable[[int, Any], None] | None = None
) -> Episode:
    """The episode, played over its log."""
    task: Task = wire.from_builtins(log.task, environment.task_type)
    agents, successors = succession(cast)
    episode = Episode(
        environment,
        task,
        agents,
        seed=log.seed,
        epoch=log.epoch,
        recording=Recording(log, live=False, stored=False),
        branches=log.branches,
        successors=successors,
        watch=watch,
    )
    await episode.play()
    return episode


def _compare(then: EpisodeLog, now: EpisodeLog) -> None:
    if len(now.turns) != len(then.turns):
        raise ReplayDivergence(
            f"turn {min(len(now.turns), len(then.turns))}: recorded {len(then.turns)} turns, "
            f"but replay made {len(now.turns)}"
        )
    if now.error is not None and then.error is not None:
        # Tracebacks tell of files and lines, which may move.
        now = msgspec.structs.replace(now, error=then.error) if _same_failure(now, then) else now
    for field in ("stop", "detail", "error", "calls", "effects", "rewards", "metrics", "notes", "toolsets"):
        before: Any = getattr(then, field)
        after: Any = getattr(now, field)
        # As JSON: what was stored came back with lists where there were tuples.
        if before != after and wire.encode(before) != wire.encode(after):
            raise ReplayDivergence(
                f"turn {len(then.turns)}: recorded {field} {_short(before)}, but replay made {_short(after)}"
            )


def _same_failure(now: EpisodeLog, then: EpisodeLog) -> bool:
    return (
        now.error is not None
        and then.error is not None
        and (now.error.type, now.error.message) == (then.error.type, then.error.message)
    )


def _short(value: Any) -> str:
    text = wire.encode(value).decode()
    return text if len(text) < 300 else f"{text[:200]} ... {text[-80:]}"
