"""Plays episodes for a trainer that is not ours, and cuts them into prompts and completions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from turnwise import wire
from turnwise.agent import Agent
from turnwise.engine.plan import seed_of
from turnwise.engine.vacancy import Vacancy
from turnwise.environment import Environment
from turnwise.errors import CapabilityError, ConfigError
from turnwise.learn.engine.protocol import TrainingError
from turnwise.learn.rows import batch_of
from turnwise.limits import Limits
from turnwise.log import EpisodeLog
from turnwise.task import Task, TaskSet


class Line(NamedTuple):
    """A row of an episode as trainers have it: a prompt and what came after, all of equal length but it."""

    prompt: list[int]
    """Token ids before the first sampled one."""
    completion: list[int]
    """The rest: samples, and between them what the environment said; it ends with a sample."""
    mask: list[int]
    """1 where the policy sampled, 0 where it was told."""
    logprobs: list[float] | None
    """Log-probability (natural) of each sampled token when it was sampled; 0 elsewhere. None where they are
    not told."""
    rewards: list[float]
    """What each turn was paid, at its last token; 0 elsewhere."""
    ends: tuple[int, ...] = ()
    """Place of each turn's last token in the completion."""

    def by_turn(self) -> list[float]:
        """What each turn was paid."""
        return [self.rewards[end] for end in self.ends]


class Played(NamedTuple):
    """An episode that was played."""

    log: EpisodeLog
    lines: list[Line]
    """Its rows: one, unless a prompt did not extend what was there. None where there is no score."""
    score: float | None
    """None where it failed, or a verdict is missing: never 0 for that."""

    @property
    def truncated(self) -> bool:
        """Whether a limit cut it off."""
        return self.log.stop is not None and self.log.stop.cut

    @property
    def turns(self) -> int:
        """Visible turns, of all roles."""
        return len(self.log.turns)


class Stage:
    """An environment with everything but the policy.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which one the policy plays; the first by default.
        agents: Who fills the other roles: names, agents, models or scripts. Where nobody is named, the
            environment's own choice plays.
        settings: Of the environment, where it is given by name.
        tasks: Tasks; by default the environment's own.
        limits: Of each episode.
        concurrency: Most episodes at a time.

    Raises:
        ConfigError: there is no such environment, role or setting, or a role that nobody fills.
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        tasks: TaskSet | None = None,
        limits: Limits | None = None,
        concurrency: int = 64,
    ) -> None:
        self._vacancy = Vacancy(
            environment, role, agents=agents, settings=settings, tasks=tasks, limits=limits
        )
        self.environment, self.role = self._vacancy.environment, self._vacancy.role
        self.tasks = self._vacancy.tasks
        self._concurrency = concurrency

    async def play(
        self, policy: Agent, tasks: Sequence[Task], seeds: Sequence[int], *, again: int, strict: bool = True
    ) -> list[Played]:
        """Play an episode of each task.

        Args:
            policy: Plays the role.
            tasks: One for each episode; the same one several times makes a group.
            seeds: Of the episodes.
            again: How often an episode without a score is played anew, with another seed.
            strict: Whether every episode must have a score in the end, or only some.

        Raises:
            TrainingError: an episode has no score, however often it was played.
            CapabilityError, ConfigError: see `batch_of`.
        """
        room = asyncio.Semaphore(self._concurrency)

        async def one(task: Task, seed: int) -> Played:
            for attempt in range(again + 1):
                async with room:
                    drawn = seed if attempt == 0 else seed_of(seed, task.id, attempt)
                    episode = self._vacancy.episode(policy, task, drawn)
                    await episode.play()
                played = read(episode.log(), self.role)
                if played.score is not None:
                    break
            return played  # pyright: ignore[reportPossiblyUnboundVariable]

        played = await asyncio.gather(*(one(task, seed) for task, seed in zip(tasks, seeds, strict=True)))
        lost = [one for one in played if one.score is None]
        if lost and (strict or len(lost) == len(played)):
            error = lost[-1].log.error
            reason = "it has no score" if error is None else f"{error.type}: {error.message}"
            raise TrainingError(f"{len(lost)} of {len(played)} episodes gave nothing to learn from: {reason}")
        return played

    def task(self, text: str) -> Task:
        """A task from its JSON text, as the rows of data sets hold it.

        Raises:
            ConfigError: it is none.
        """
        try:
            return wire.decode(text, self.environment.task_type)
        except msgspec.MsgspecError as error:
            raise ConfigError(
                f"this is no task of {self.environment.name!r} ({error}): make the data set by `rows`"
            ) from None

    def chosen(self, limit: int | None = None) -> Iterator[Task]:
        """The first tasks."""
        return iter(self.tasks.select(limit=limit))

    async def close(self) -> None:
        """Close the models of the other roles."""
        await self._vacancy.close()


def read(log: EpisodeLog, role: str) -> Played:
    """An episode as lines.

    Raises:
        CapabilityError: it was not sampled by a model that tells token ids.
        ConfigError: a reward is not finite.
    """
    batch = batch_of(log, roles=role, logprobs=False).batch
    if not batch.rows:
        return Played(log, [], None)
    paid = np.zeros(len(batch.ids))
    where = np.flatnonzero(batch.sampled)
    last = np.zeros(len(batch.turns.reward), dtype=np.int64)
    np.maximum.at(last, batch.turn[where], where)
    paid[last] = batch.turns.reward
    lines: list[Line] = []
    for start, stop in zip(batch.row_start[:-1], batch.row_start[1:], strict=True):
        first = start + int(batch.sampled[start:stop].argmax())
        rest = slice(first, stop)
        lines.append(
            Line(
                batch.ids[start:first].tolist(),
                batch.ids[rest].tolist(),
                batch.sampled[rest].astype(int).tolist(),
                None if np.isnan(batch.logprobs[rest]).any() else batch.logprobs[rest].tolist(),
                paid[rest].tolist(),
                tuple(int(end - first) for end in last if first <= end < stop),
            )
        )
    return Played(log, lines, float(batch.outcome[0]))


def only_line(played: Played) -> Line:
    """The one line of an episode, for trainers that take no more.

    Raises:
        CapabilityError: it has several.
    """
    if len(played.lines) == 1:
        return played.lines[0]
    raise CapabilityError(
        f"the episode of task {played.log.task.get('id')!r} has {len(played.lines)} rows, because a prompt "
        f"did not extend what was fed before, and this trainer takes one a rollout: use an agent that is "
        f"shown its whole history and a chat format that rewrites nothing, or train with turnwise.train"
    )
