"""A seat in an episode: one role played from outside, a reply at a time, the others by their agents.

The script runs until it asks the role, and waits there for `say`. Who sits outside sees what the role's
model would be shown: messages, tools, legal actions; and is told the role's rewards as they are given.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import msgspec

from turnwise.action import ActionSpace
from turnwise.agent import Agent
from turnwise.engine import resolve
from turnwise.engine.config import RunConfig
from turnwise.engine.resolve import Given
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError, TurnwiseError, did_you_mean
from turnwise.limits import Limits
from turnwise.log import Stop
from turnwise.message import Message, ToolSpec
from turnwise.model import Request, Sample
from turnwise.task import Task, TaskSet

BROKEN_OFF = frozenset({Stop.MAX_TURNS, Stop.MAX_TOOL_CALLS, Stop.MAX_TOKENS, Stop.BUDGET, Stop.TIMEOUT})
"""Stops that are a limit's doing, not an end of the conversation."""


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand when the role is asked, or at the end."""

    messages: tuple[Message, ...]
    """What was said to the role since it last spoke."""
    reward: float
    """The role's rewards since then, summed; missing verdicts count nothing."""
    over: bool = False
    actions: ActionSpace | None = None
    """What may be replied, where the environment offers it."""
    tools: Sequence[ToolSpec] = ()
    """Tools that a reply may call; the environment runs them."""


class Seat:
    """A role of an environment, to be played from outside.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which; the first by default.
        agents: Who fills the other roles: names, agents, models or scripts. Where nobody is named, the
            environment's own choice plays.
        settings: Of the environment, where it is given by name.
        limits: Of each episode.
        watch: Is called with each picture that the environment shows.

    Raises:
        ConfigError: there is no such environment or role, or a role that nobody fills.
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        watch: Callable[[Any], None] | None = None,
    ) -> None:
        named = isinstance(environment, str)
        config = RunConfig(
            environment=environment if named else environment.name, settings=dict(settings or {})
        )
        self.environment = resolve.environment(config, Given(None if named else environment))
        self.role = self.environment.roles[0] if role is None else role
        if self.role not in self.environment.seats:
            near = did_you_mean(self.role, self.environment.seats)
            raise ConfigError(
                f"environment {self.environment.name!r} has no role {self.role!r}{near}; "
                f"it has {', '.join(self.environment.seats)}"
            )
        others, given = resolve.told_apart(agents or {})
        config = msgspec.structs.replace(config, agents=others)
        things = Given(self.environment, None, {**given, self.role: self._outside()})
        self._cast = resolve.casting(
            resolve.completed(config, self.environment, things), self.environment, things
        )
        self._agents = self._cast.agents
        self._limits = limits
        self._watch = watch
        self._tasks: TaskSet | None = None
        self._vacate()

    def beside(self) -> Seat:
        """Another seat for another episode at once, with the same agents in the other roles."""
        other = copy.copy(self)
        other._agents = {**self._agents, self.role: other._outside()}
        other._vacate()
        return other

    def _outside(self) -> Agent:
        return Agent(_Outside(self), name="outside")

    def _vacate(self) -> None:
        """No episode is going on."""
        self._playing: asyncio.Task[None] | None = None
        self._episode: Episode | None = None
        self._asked: asyncio.Queue[_Asked | None] = asyncio.Queue()
        self._open: _Asked | None = None
        self._heard = 0
        """Entries of the role's history that were handed out."""
        self._paid = 0
        """Rewards that were handed out."""

    @property
    def episode(self) -> Episode:
        """The episode at hand.

        Raises:
            ConfigError: none was begun.
        """
        if self._episode is None:
            raise ConfigError(f"no episode of {self.environment.name!r} was begun")
        return self._episode

    @property
    def tasks(self) -> TaskSet:
        """The environment's own tasks."""
        if self._tasks is None:
            self._tasks = TaskSet(self.environment.tasks(), name=self.environment.name)
        return self._tasks

    def task(self, which: Task | str | int) -> Task:
        """A task itself, or the one with this id or at this place.

        Raises:
            TaskError: there is none.
        """
        if isinstance(which, Task):
            return which
        if isinstance(which, str):
            return cast("Task", self.tasks.select(ids=[which])[0])
        if not 0 <= which < len(self.tasks):
            raise TaskError(f"task set {self.tasks.name!r} has tasks 0 to {len(self.tasks) - 1}, not {which}")
        return cast("Task", self.tasks[which])

    async def begin(self, task: Task, seed: int = 0) -> Moment:
        """Start an episode, and play until the role is asked; what was going on is given up.

        Raises:
            TurnwiseError: the environment failed.
        """
        await self.leave()
        watch = self._watch
        self._episode = Episode(
            self.environment,
            task,
            self._agents,
            seed=seed,
            limits=self._limits,
            watch=None if watch is None else lambda _, picture: watch(picture),
        )
        self._heard = self._paid = 0
        asked = self._asked = asyncio.Queue()
        self._playing = asyncio.create_task(self._episode.play())
        self._playing.add_done_callback(lambda _: asked.put_nowait(None))
        return await self._next()

    async def say(self, reply: Message | str) -> Moment:
        """Answer, and play until the role is asked again or the episode is over.

        Raises:
            TurnwiseError: the environment failed.
            ConfigError: the role is not asked now.
        """
        if self._open is None:
            raise ConfigError(f"the role {self.role!r} is not asked: begin an episode first")
        message = Message(role="assistant", content=reply) if isinstance(reply, str) else reply
        self._heard = len(self._open.request.messages) + 1
        self._open.reply.set_result(message)
        return await self._next()

    async def leave(self) -> None:
        """Give the episode up, if it is not over."""
        if self._playing is not None and not self._playing.done():
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        self._playing = self._open = None

    async def close(self) -> None:
        """Give the episode up, and close the models of the other roles."""
        await self.leave()
        await self._cast.close()

    async def ask(self, request: Request) -> Message:
        """The role is asked: wait for `say`."""
        asked = _Asked(request)
        self._asked.put_nowait(asked)
        return await asked.reply

    async def _next(self) -> Moment:
        self._open = await self._asked.get()
        if self._open is not None:
            request = self._open.request
            return Moment(
                messages=tuple(request.messages[self._heard :]),
                reward=self._reward(),
                actions=request.actions,
                tools=request.tools,
            )
        assert self._playing is not None
        self._playing.result()
        episode = self.episode
        if episode.error is not None:
            raise TurnwiseError(
                f"{self.environment.name!r} failed: {episode.error.type}: {episode.error.message}"
            ) from episode.failure
        left = episode.roles[self.role].history[self._heard :]
        return Moment(messages=tuple(entry.message for entry in left), reward=self._reward(), over=True)

    def _reward(self) -> float:
        first = self.environment.roles[0]
        new = self.episode.rewards[self._paid :]
        self._paid += len(new)
        return float(sum(part.value or 0.0 for part in new if (part.role or first) == self.role))


class _Asked:
    """A request that waits for its answer."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()


class _Outside:
    """The model of the role that is played from outside."""

    name = "outside"
    remote = False

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    async def sample(self, request: Request) -> Sample:
        """What is said outside."""
        message = await self._seat.ask(request)
        return Sample(message=message, finish="tool_calls" if message.tool_calls else "stop")

    async def close(self) -> None:
        """Nothing to let go of."""
