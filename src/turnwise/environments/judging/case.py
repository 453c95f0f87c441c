"""A case: what a judge is to judge, as a task. It holds the episode, so that it stands by itself."""

from __future__ import annotations

import msgspec

from turnwise.log import EpisodeLog
from turnwise.task import Task


class Case(Task, frozen=True, kw_only=True):
    """An episode, or a pair of them. Its id says which: `RUN/NUMBER`, or `RUN/NUMBER~RUN/NUMBER`."""

    episode: EpisodeLog
    other: EpisodeLog | None = None
    """The second of a pair."""
    label: bool | float | str | None = None
    """What people say of it: whether it passes, a number, or a label. No judge is shown it."""


def case_of(
    name: str,
    episode: EpisodeLog,
    *,
    other: EpisodeLog | None = None,
    label: bool | float | str | None = None,
) -> Case:
    """A case of what can be seen of an episode: calls with their tokens, effects and rewards are left out."""
    return Case(id=name, episode=seen(episode), other=None if other is None else seen(other), label=label)


def seen(log: EpisodeLog) -> EpisodeLog:
    """An episode without what no judge reads: an old verdict shall not sway a new one."""
    turns = tuple(msgspec.structs.replace(turn, calls=()) for turn in log.turns)
    return msgspec.structs.replace(
        log, turns=turns, calls=(), effects=(), rewards=(), metrics={}, toolsets=(), error=None
    )
