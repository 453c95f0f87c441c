"""An environment with one role left open, for whoever plays it without a run, such as another library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from turnwise.agent import Agent
from turnwise.engine import resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.keeping import Keeping
from turnwise.engine.resolve import Given, Mute
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.limits import Limits
from turnwise.store.store import Store
from turnwise.task import Task, TaskSet


class Vacancy:
    """See the module.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which one is open; the first by default.
        agents: Who fills the other roles: names, agents, models or scripts. Where nobody is named, the
            environment's own choice plays.
        settings: Of the environment, where it is given by name.
        tasks: Tasks; by default the environment's own.
        limits: Of each episode.
        store: Where to keep what is played, each episode as a run of its own; None keeps nothing.

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
        store: Store | None = None,
    ) -> None:
        named = isinstance(environment, str)
        self._config = RunConfig(
            environment=environment if named else environment.name, settings=dict(settings or {})
        )
        self.environment = made = resolve.environment(self._config, Given(None if named else environment))
        self.role = made.roles[0] if role is None else role
        resolve.check_role(self.role, made)
        others, given = resolve.told_apart(agents or {})
        self._things = Given(made, tasks, {**given, self.role: Agent(Mute("vacant"))})
        config = msgspec.structs.replace(self._config, agents=others, limits=limits or Limits())
        self._played = resolve.completed(config, made, self._things)
        self._cast = resolve.casting(self._played, made, self._things)
        self._limits = limits
        self._store = store

    @cached_property
    def tasks(self) -> TaskSet:
        """The tasks.

        Raises:
            TaskError: a row that cannot be used.
            ConfigError: there is no task at all.
        """
        return resolve.tasks(self._config, self.environment, self._things)

    def episode(
        self,
        agent: Agent,
        task: Task,
        seed: int,
        *,
        watch: Callable[[Any], None] | None = None,
        keeping: Keeping | None = None,
    ) -> Episode:
        """An episode in which `agent` plays the role.

        Args:
            agent: Plays.
            task: Which.
            seed: Of all draws.
            watch: Is called with each picture that the environment shows.
            keeping: Where it is written down.
        """
        return Episode(
            self.environment,
            task,
            {**self._cast.agents, self.role: agent},
            seed=seed,
            limits=self._limits,
            journal=None if keeping is None else keeping.journal,
            watch=None if watch is None else lambda _, picture: watch(picture),
        )

    def keeping(self, agent: Agent, task: Task, seed: int) -> Keeping | None:
        """The run that an episode of `agent` will be kept in, where there is a store.

        Raises:
            StoreError: it cannot be written.
        """
        if self._store is None:
            return None
        named = {**self._played.agents, self.role: AgentConfig(use=agent.name)}
        agents = {role: named[role] for role in self.environment.seats if role in named}
        config = msgspec.structs.replace(self._played, agents=agents, ids=(task.id,), seed=seed)
        return Keeping(self._store, config, self.environment, TaskSet([task], name=self.environment.name))

    async def close(self) -> None:
        """Close the models of the other roles."""
        await self._cast.close()
