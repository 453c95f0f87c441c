"""What a curriculum is: it says what the next step plays, and learns from what came of it.

A curriculum is a value. `draws` names the episodes of a step, `after` gives the curriculum that has seen
them; its JSON (`turnwise.wire`) is its whole state, so that it is stored with a checkpoint as it is. Chance
comes from the training's seed and the number of the step, never from a generator that lives on: what was
resumed draws what an unbroken training would have drawn.

Histories are not copied. An episode of the training (or of another run) is named by its number, and what
goes on from it is a fork (`turnwise.engine.fork`), which shares its prefix byte for byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple, Self, TypeVar

from turnwise.environment import Environment
from turnwise.store.store import Store
from turnwise.task import Task
from turnwise.wire import Record

AnyEnvironment = TypeVar("AnyEnvironment", bound=Environment)


class Start(Record, frozen=True, kw_only=True):
    """A place in a stored episode to go on from."""

    episode: int
    """Its number in its run."""
    at: int
    """Index of the first turn that is made anew; see `turnwise.engine.fork.prefix`."""
    run: str | None = None
    """The run it is in; None is the training's own."""


class Draw(Record, frozen=True, kw_only=True):
    """A group of episodes to play, which are compared with each other."""

    task: str
    """Id of the task."""
    count: int
    """Episodes of the group."""
    start: Start | None = None
    """Where they begin; None is the beginning."""
    turns: int | None = None
    """Most turns that roles say in each anew; None leaves it to the environment."""


class Slot(NamedTuple):
    """What one step has room for."""

    step: int
    """Its number, from 0."""
    tasks: Sequence[Task]
    """All there are."""
    groups: int
    """Groups it would play (`tasks_per_step`)."""
    group: int
    """Episodes of each; together the draws of a step may ask for `groups * group` episodes at most."""
    seed: int = 0
    """The training's."""

    @property
    def most(self) -> int:
        """Most episodes of the step."""
        return self.groups * self.group

    def random(self) -> Random:
        """The step's own random numbers, the same at each call."""
        return Random(f"{self.seed}/curriculum/{self.step}")

    def task(self, place: int) -> Task:
        """The task at a place of an endless sequence, in which each round holds every task once."""
        round_, index = divmod(place, len(self.tasks))
        shuffled = list(range(len(self.tasks)))
        Random(f"{self.seed}/{round_}").shuffle(shuffled)
        return self.tasks[shuffled[index]]

    def others(self, count: int, taken: Sequence[str]) -> list[str]:
        """Ids of `count` random tasks (fewer, if there are no more) that are not taken."""
        left = [task.id for task in self.tasks if task.id not in frozenset(taken)]
        return self.random().sample(left, min(count, len(left)))


class Seen(Record, frozen=True, kw_only=True):
    """What came of one episode."""

    episode: int
    """Its number in the training's run."""
    score: float | None
    """None where it failed, or a verdict is missing."""
    turns: tuple[int, ...] = ()
    """Indices of the turns that the policy said in it, without those shared with the episode it left."""
    cut: int | None = None
    """Where a limit of turns cut it off, so that it can go on from there; None where it ended otherwise."""


class Group(NamedTuple):
    """A draw, and what came of it."""

    draw: Draw
    seen: Sequence[Seen]

    @property
    def scores(self) -> list[float]:
        """Those there are."""
        return [seen.score for seen in self.seen if seen.score is not None]


class Curriculum(Record, frozen=True, kw_only=True):
    """Every task in its turn, each with a full group. Others override what they do otherwise."""

    def begun(self, store: Store) -> Self:
        """The curriculum at the start of a training, where it must read something first."""
        return self

    def draws(self, slot: Slot) -> list[Draw]:
        """What a step plays."""
        places = range(slot.step * slot.groups, (slot.step + 1) * slot.groups)
        return [Draw(task=slot.task(place).id, count=slot.group) for place in places]

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """The curriculum that has seen what came of a step's draws, in their order."""
        return self

    def recalled(self, groups: Sequence[Group]) -> tuple[int, ...]:
        """Numbers of earlier episodes of the training from which the step shall learn, too."""
        return ()

    def applied(self, environment: AnyEnvironment) -> AnyEnvironment:
        """The environment that the next step plays in."""
        return environment


def learnability(scores: Sequence[float]) -> float:
    """Variance of the scores of a group (over n, not n - 1): 0 where all succeed or all fail."""
    if not scores:
        return 0.0
    mean = sum(scores) / len(scores)
    return sum((score - mean) ** 2 for score in scores) / len(scores)
