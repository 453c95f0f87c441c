"""Worlds: games and simulations as plain objects, and the one script that plays any of them.

A world knows whose move it is, what that player is told, what may be done, and what a reply does. It is made
from a task, so that a group of episodes of one task starts in the same state; chance after the start comes
from the episode's own random numbers. `WorldEnvironment` is the conversation round it.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from turnwise.action import ActionSpace
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts.picture import Picture
from turnwise.episode import Episode
from turnwise.log import Stop, Turn
from turnwise.role import Says
from turnwise.task import Task


class Gain(NamedTuple):
    """A part of somebody's reward for one reply."""

    value: float
    name: str = "reward"
    role: str | None = None
    """Whose; None is the one who moved. It is given for the last turn of that role."""


class Step(NamedTuple):
    """What a reply did."""

    gains: tuple[Gain, ...] = ()
    valid: bool = True
    """Whether it was an action, and a legal one; what is not, is told to the player as an observation."""
    notes: Mapping[str, Any] = {}
    """Further things to write down about the reply, by name."""


class World(ABC):
    """A game in progress. Deterministic given what it was made from and the replies."""

    mover: str = "agent"
    """The role whose move it is."""
    over: bool = False
    outcome: str | None = None
    """A word for how it ended."""

    @abstractmethod
    def observe(self) -> Says:
        """What the mover is told before it replies; at its first move also the rules. Asked once a move."""

    @abstractmethod
    def step(self, reply: str) -> Step:
        """Take the mover's reply, any text at all: what is no legal action is answered by an observation."""

    def actions(self) -> ActionSpace | None:
        """What the mover may reply, where that can be listed."""
        return None

    def key(self) -> str | None:
        """The state in few characters: equal keys, equal futures. None where the environment has no keys.

        The clock that cuts an episode off (`max_replies`) need not be part of it.
        """
        return None

    def closing(self) -> Says | None:
        """What everybody is told at the end."""
        return None

    def metrics(self) -> Mapping[str, float]:
        """Numbers to keep, asked for at the end."""
        return {}

    def picture(self) -> Picture | None:
        """How things stand, for people."""
        return None


class WorldTask(Task, frozen=True, kw_only=True):
    """An instance to play, drawn from `seed`."""

    seed: int


class WorldEnvironment(Environment, kw_only=True, frozen=True):
    """Base of environments that are worlds.

    A subclass makes the world of a task (`world`), promises `capabilities`, `reward_range` and `max_replies`,
    and brings its solver and its random player along (`agents`). The reward of each reply, the state it was
    given in (note `state`), and how many were no legal action (metric `invalid`) are stored with the turns.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)
    task_type: ClassVar[type[Task]] = WorldTask

    count: int = 100
    """Instances in the built-in task set."""
    split: Literal["train", "test"] = "test"
    """Which instances: the two share none by construction of their seeds."""

    def tasks(self) -> Iterable[Task]:
        """`count` seeds of the split."""
        first = 0 if self.split == "train" else 1 << 31
        return [WorldTask(id=f"{self.split}-{number}", seed=first + number) for number in range(self.count)]

    def world(self, task: Any, rng: random.Random) -> World:
        """The world of `task` at its start; `rng` is the episode's, for chance after the start only."""
        raise NotImplementedError(f"environment {self.name!r} defines no world(task, rng)")

    async def run(self, task: Any, episode: Episode) -> None:
        """Play until the world is over or no reply is left."""
        world = self.world(task, episode.rng)
        invalid, mover = 0, world.mover
        last: dict[str, Turn] = {}
        replies = self.max_replies
        assert replies is not None, "a world says how long an episode can be"
        watched, roles = episode.watched, episode.roles
        for _ in range(replies):
            if watched:
                episode.show(world.picture)
            key, mover = world.key(), world.mover
            turn = await roles[mover].respond(world.observe(), actions=world.actions())
            if key is not None:
                episode.note(key, turn, name="state")
            last[mover] = turn
            step = world.step(turn.text)
            for gain in step.gains:
                # What another's move brings somebody is for the last turn of their own.
                whose = gain.role or mover
                episode.reward(gain.value, last.get(whose), role=whose, name=gain.name)
            for name, value in step.notes.items():
                episode.note(value, turn, name=name)
            if not step.valid:
                invalid += 1
            if world.over:
                break
        episode.metric("invalid", invalid)
        for name, value in world.metrics().items():
            episode.metric(name, value)
        if (closing := world.closing()) is not None:
            said = roles[mover].tell(closing)
            for name, role in roles.items():
                if name != mover:
                    role.tell(said)
        if watched:
            episode.show(world.picture)
        if not world.over:
            episode.end("out of turns", stop=Stop.MAX_TURNS)
        episode.detail = world.outcome
