"""Numbers to come to in worlds that take time: some are quick and some slow, some near and some far.

A world for studies of how episodes are collected. What a turn takes follows from the task and the number of
the turn, so that whoever plays does so in the same world; nobody computes while it works.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Generator, Iterable
from typing import Any, ClassVar, Literal

from approach import Way

from turnwise.environment import Environment
from turnwise.environments.parts.world import WorldTask
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.task import Task


class Workshop(Environment, kw_only=True, frozen=True):
    """Come to a number by small moves, each of which takes the world some time."""

    name: ClassVar[str] = "workshop"
    task_type: ClassVar[type[Task]] = WorldTask

    count: int = 100
    split: Literal["train", "test"] = "test"
    farthest: int = 12
    """How far the number can be at the beginning, in both directions."""
    longest: int = 3
    """Move."""
    max_turns: int = 8
    pace: float = 0.05
    """Seconds a turn of the middle task; 0 waits for nothing. Four in a hundred take more than five times as
    long."""
    together: bool = False
    """Whether the world's work is recorded as the outside's, for which a policy in lock-step waits."""

    def __post_init__(self) -> None:
        if min(self.farthest, self.longest, self.max_turns) < 1 or self.pace < 0:
            raise ConfigError(
                f"workshop: expected farthest, longest, max_turns >= 1 and pace >= 0, got {self.settings()}"
            )

    def tasks(self) -> Iterable[WorldTask]:
        """`count` seeds of the split."""
        first = 0 if self.split == "train" else 1 << 31
        return [WorldTask(id=f"{self.split}-{number}", seed=first + number) for number in range(self.count)]

    def distance(self, task: WorldTask) -> int:
        """How far it is at the beginning."""
        draw = random.Random(f"workshop {task.seed}")
        return draw.choice((-1, 1)) * draw.randint(1, self.farthest)

    def seconds(self, task: WorldTask, turn: int) -> float:
        """What a turn takes the world: the task's own speed, and some chance."""
        speed = random.Random(f"speed {task.seed}").lognormvariate(0.0, 0.8)
        return self.pace * speed * random.Random(f"work {task.seed} {turn}").lognormvariate(0.0, 0.5)

    async def run(self, task: WorldTask, episode: Episode) -> None:
        """Moves, until it is there or no turn is left."""
        world = Way(self.distance(task), self.longest)
        worked = 0.0
        for turn in range(self.max_turns):
            reply = await episode.agent.respond(world.observe())
            worked += (seconds := self.seconds(task, turn))
            if self.together and seconds:
                await episode.effect("work", lambda seconds=seconds: _work(seconds))
            elif seconds:
                await asyncio.sleep(seconds)
            step = world.step(reply.text)
            for gain in step.gains:
                episode.reward(gain.value, turn=reply, name=gain.name)
            if world.over:
                break
        episode.metric("moves", world.moves)
        episode.metric("wasted", world.wasted)
        episode.metric("worked", worked)
        episode.detail = world.outcome

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`random` moves anywhere."""

        def anywhere(task: WorldTask, rng: random.Random) -> Generator[str | None, Any, None]:
            yield
            while True:
                yield f"{rng.choice((-1, 1)) * rng.randint(1, self.longest):+d}"

        return {"random": anywhere}


async def _work(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds
