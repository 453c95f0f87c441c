"""The environment: errands that are changed while they are run."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.agents.users.interruption import Schedule, Update, tagged
from turnwise.environment import Capabilities
from turnwise.environments.parts.interrupted import InterruptedWorld
from turnwise.environments.parts.world import WorldEnvironment
from turnwise.environments.service.interruptbench.agents import AGENTS
from turnwise.environments.service.interruptbench.errands import errand, street, told
from turnwise.environments.service.interruptbench.rows import Errand, Scenario
from turnwise.environments.service.interruptbench.street import StreetWorld
from turnwise.episode import Episode
from turnwise.task import Task


class InterruptBench(WorldEnvironment, kw_only=True, frozen=True):
    """Run an errand whose user changes their mind; reward 1 for the basket that was wanted in the end."""

    name: ClassVar[str] = "interruptbench"
    task_type: ClassVar[type[Task]] = Errand
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    scenario: Scenario = "1update"
    """What is changed: added, modified, retracted."""
    interrupt: bool = True
    """Whether it is changed at all; without, the initial errand is the baseline."""
    start: Literal["initial", "intent"] = "initial"
    """`intent` tells the whole errand at once, and nothing is changed: what an interrupted run is compared
    with."""
    at: Annotated[int, msgspec.Meta(ge=0)] = 3
    """After how many actions, where the row does not say; who stops before is not interrupted."""
    mode: Literal["append", "replace"] = "append"
    """Whether an update is added to the errand, or told in its place."""
    max_steps: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    """Most actions, besides those that are replayed."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Wrong or right."""
        return (0.0, 1.0)

    @property
    def max_replies(self) -> int:
        """See `max_steps`."""
        return self.max_steps

    @property
    def spoilers(self) -> bool:
        """Pictures show all stalls, of which a player sees one."""
        return True

    def tasks(self) -> Iterable[Errand]:
        """`count` errands of the scenario."""
        first = 0 if self.split == "train" else 1 << 31
        return [errand(f"{self.split}-{n}", first + n, self.scenario) for n in range(self.count)]

    async def run(self, task: Errand, episode: Episode) -> None:
        """Play; what was over before anybody was asked is told, and ends."""
        world = self.world(task, episode.rng)
        if not world.over:
            await super().run(task, episode)
            return
        episode.tell("agent", world.observe())
        for name, value in world.metrics().items():
            episode.metric(name, value)
        episode.detail = world.outcome

    def world(self, task: Errand, rng: random.Random) -> InterruptedWorld:
        """The street of `task`, with what is replayed done, and the updates to come."""
        intent, schedule = self.plan(task)
        plain = StreetWorld(task, street(task.seed), intent)
        return InterruptedWorld(plain, schedule, prefix=task.prefix, mode=self.mode)

    def plan(self, task: Errand) -> tuple[str, Schedule]:
        """How an errand is told at first, and what is changed when."""
        if self.start == "intent":
            return told(task.wanted, task.only), ()
        before = task.updates[: len(task.told)]
        intent = told(task.initial, task.only)
        for step, point in zip(before, task.told, strict=True):
            intent += f"\n\n{tagged(Update(kind=step.kind, text=step.text, at=point), point)}"
        if not self.interrupt:
            return intent, ()
        left = task.updates[len(task.told) :][: task.brings]
        at = self.at if task.at is None else min(task.at, len(task.prefix) or task.at)
        return intent, tuple(Update(kind=step.kind, text=step.text, at=at) for step in left)

    def agents(self) -> dict[str, Any]:
        """`solver` listens to every change, `deaf` to none, `random` does anything."""
        return AGENTS
