"""The environment: c-Interact and a-Interact, on our own databases or published ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.environment import Capabilities, Environment
from turnwise.environments.service.bird_interact import databases, players, published, ready
from turnwise.environments.service.bird_interact.budget import MODEL_CALLS, Interact
from turnwise.environments.service.bird_interact.engines import READING, Backend, engine
from turnwise.environments.service.bird_interact.knowledge import World
from turnwise.environments.service.bird_interact.play import Play
from turnwise.environments.service.bird_interact.rows import BirdTask
from turnwise.environments.service.bird_interact.user import PHASES, rule_user
from turnwise.episode import Episode
from turnwise.task import Task
from turnwise.tools.sql import Database


class BirdInteract(Environment, kw_only=True, frozen=True):
    """Requests that can be read in several ways, over a database: ask what is meant, then submit SQL."""

    name: ClassVar[str] = "bird_interact"
    roles: ClassVar[tuple[str, ...]] = ("agent", "user")
    task_type: ClassVar[type[Task]] = BirdTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    interact: Interact = "a"
    """`a`: tools that are paid for with coins, in any order; `c`: questions, then a submission."""
    patience: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 3
    """Questions that are allowed besides one for each ambiguity; in `a`, two coins for each."""
    backend: Backend = "sqlite"
    """The database: `postgres` is played on the server that the variable `TURNWISE_POSTGRES` names."""
    split: Literal["sample", "lite", "full", "mini"] = "sample"
    """Tasks of our own, or published ones: `lite` and `full` are PostgreSQL's, `mini` is SQLite's."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """0.7 for the request, 0.3 for the follow-up."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """Of the agent, and of the user, who is asked at most m + patience + 3 times."""
        most = max((task.ambiguities for task in self._rows()), default=0)
        return MODEL_CALLS + most + self.patience + 3

    def tasks(self) -> Iterable[BirdTask]:
        """The tasks of the split.

        Raises:
            ConfigError: a database of theirs is not there, or the backend is not the one they are played on.
        """
        ready.check(self.split, self.backend)
        found = self._rows()
        if self.split != "sample":
            ready.check_databases(self.split, found)
        return found

    def _rows(self) -> tuple[BirdTask, ...]:
        return databases.tasks() if self.split == "sample" else published.tasks(self.split)

    def world(self, task: BirdTask) -> World:
        """What is known of a task's database."""
        if self.split == "sample":
            return databases.world(task.database)
        return published.world(self.split, task.database)

    async def run(self, task: BirdTask, episode: Episode) -> None:
        """Play it in the setting that is asked for."""
        world = self.world(task)
        async with Database(engine(world, self.backend), limits=READING) as database:
            play = Play(episode, task, world, database, interact=self.interact, patience=self.patience)
            await play.play()

    async def score(self, task: BirdTask, episode: Episode) -> None:
        """A phase that was not solved, or not reached, brings nothing."""
        solved = {reward.name for reward in episode.rewards}
        for name, _ in zip(PHASES, task.parts, strict=False):
            if name not in solved:
                episode.reward(0.0, name=name)

    def agents(self) -> Mapping[str, Any]:
        """`solver`, `stumbling`, `deaf`, `nothing`, `random`; `user/rules` is a user without a model."""
        return {
            "solver": players.solver,
            "stumbling": players.stumbling,
            "deaf": players.deaf,
            "nothing": players.nothing,
            "random": players.random_player,
            "user/rules": rule_user(self.world),
        }

    def defaults(self) -> dict[str, str]:
        """The user without a model."""
        return {"user": "rules"}
