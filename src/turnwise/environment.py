"""Environments: a conversation as an ordinary async function of a task and an episode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from turnwise import wire
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.task import Task


class Capabilities(wire.Record, frozen=True, kw_only=True):
    """What an environment promises, so that a method which needs more can refuse it early."""

    forkable: bool = True
    """An episode can be continued from any turn by replaying its log."""
    deterministic: bool = True
    """Observations follow from task, seed and replies alone."""
    known_answer: bool = False
    """A solver knows how to succeed."""
    state_key: bool = False
    """Each reply of a player carries a note `state`: equal keys, equal states (and equal futures)."""
    action_ids: bool = False
    """Replies are asked for with the legal actions, each with an id (`turnwise.action`)."""


class Environment(msgspec.Struct, kw_only=True, frozen=True, dict=True):
    """Base of all environments.

    Annotated fields of a subclass are its settings: given by `--set name=value` or in a config file,
    validated, and stored with each run. One instance serves all episodes of a run, so it holds no state of
    any; what an episode needs is made inside `run`.
    """

    name: ClassVar[str] = ""
    """How it is called on the command line; by default the class's name in snake case."""
    roles: ClassVar[tuple[str, ...]] = ("agent",)
    """Who must take part; the score is the first one's."""
    optional_roles: ClassVar[tuple[str, ...]] = ()
    """Who may take part: judges, givers of feedback, oracles (`episode.has(role)`)."""
    seats: ClassVar[tuple[str, ...]] = ("agent",)
    """All roles, the optional ones last; follows from the two above."""
    task_type: ClassVar[type[Task]] = Task
    """The type of its rows."""
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.seats = (*cls.roles, *cls.optional_roles)

    def tasks(self) -> Iterable[Task]:
        """The built-in task set: the same rows, in the same order, every time."""
        return [self.task_type(id="0")]

    async def run(self, task: Any, episode: Episode) -> None:
        """Play `task`. Deterministic but for what it asks `episode` for."""
        raise ConfigError(f"environment {self.name!r} defines no run(task, episode)")

    async def score(self, task: Any, episode: Episode) -> None:
        """Give the last rewards; runs after `run` for every stop reason but an error."""

    def agents(self) -> Mapping[str, Any]:
        """Agents that need no model, by name (`solver`, `random`); `role/name` for roles but the first.

        Each is a function of the messages, a primed generator function of `(task, rng)`, a `Model` or an
        `Agent`.
        """
        return {}

    def defaults(self) -> Mapping[str, str]:
        """Who plays a role that nobody was named for: an opponent, an oracle. Stored with the run."""
        return {}

    @property
    def spoilers(self) -> bool:
        """Whether its pictures give away what a player is not told: they are for those who only watch."""
        return False

    @property
    def reward_range(self) -> tuple[float, float] | None:
        """Least and greatest score of an episode, for every role; None where nothing is promised."""
        return None

    @property
    def max_replies(self) -> int | None:
        """Most turns its roles say together in one episode; None where nothing is promised."""
        return None

    def require(self, method: str, *needs: str) -> None:
        """Refuse a method that needs more than is promised.

        Args:
            method: Who asks, for the error.
            needs: Names of capabilities, or `several_roles`, `reward_range`, `max_replies`.

        Raises:
            ConfigError: naming the first that is missing.
        """
        for need in needs:
            if need == "several_roles":
                met = len(self.roles) > 1
            elif need in ("reward_range", "max_replies"):
                met = getattr(self, need) is not None
            else:
                met = getattr(self.capabilities, need)
            if not met:
                raise ConfigError(
                    f"{method} needs {need!r}, which environment {self.name!r} does not declare "
                    f"(`turnwise envs {self.name}` tells what it does)"
                )

    def settings(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return msgspec.to_builtins(self)
