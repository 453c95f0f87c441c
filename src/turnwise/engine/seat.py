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
from turnwise.engine.results import Run
from turnwise.engine.vacancy import Vacancy
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError, TaskError, TurnwiseError
from turnwise.limits import EpisodeStop, Limits
from turnwise.log import Stop
from turnwise.message import Message, Text, ToolSpec
from turnwise.model import Request, Sample
from turnwise.store.store import Store
from turnwise.task import Task, TaskSet


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

    @property
    def text(self) -> str:
        """What was said, as one text; what is no text is named by its kind."""
        return "\n\n".join(_text(message) for message in self.messages)


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
        store: Where to keep the episodes, each as a run of its own; None keeps nothing.
        name: How logs call who sits outside.

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
        store: Store | None = None,
        name: str = "outside",
    ) -> None:
        self._vacancy = Vacancy(
            environment, role, agents=agents, settings=settings, limits=limits, store=store
        )
        self.environment, self.role = self._vacancy.environment, self._vacancy.role
        self._name = name
        self._agent = self._outside()
        self._watch = watch
        self._vacate()

    def beside(self) -> Seat:
        """Another seat for another episode at once, with the same agents in the other roles."""
        other = copy.copy(self)
        other._agent = other._outside()
        other._vacate()
        return other

    def _outside(self) -> Agent:
        return Agent(_Outside(self), name=self._name)

    def _vacate(self) -> None:
        """No episode is going on."""
        self._playing: asyncio.Task[None] | None = None
        self._episode: Episode | None = None
        self.run: Run | None = None
        """The run that the episode at hand is kept in."""
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
    def asked(self) -> bool:
        """Whether the role is asked now."""
        return self._open is not None

    @property
    def score(self) -> float | None:
        """The role's score so far; None, and never 0, where the episode failed or a verdict is missing."""
        episode, first = self.episode, self.environment.roles[0]
        mine = (part for part in episode.rewards if (part.role or first) == self.role)
        return None if any(part.value is None for part in mine) else episode.score(self.role)

    @property
    def tasks(self) -> TaskSet:
        """The environment's own tasks."""
        return self._vacancy.tasks

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
            TurnwiseError: the environment failed, or the store.
        """
        await self.leave()
        kept = self._vacancy.keeping(self._agent, task, seed)
        self.run = None if kept is None else kept.run
        episode = self._vacancy.episode(self._agent, task, seed, watch=self._watch, keeping=kept)
        self._episode = episode
        self._heard = self._paid = 0
        asked = self._asked = asyncio.Queue()
        self._playing = asyncio.create_task(episode.play() if kept is None else kept.play(episode))
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

    async def stop(self, detail: str) -> Moment:
        """Say no more: the episode ends here, as a limit would end it, and is scored as it stands.

        Raises:
            TurnwiseError: the environment failed.
            ConfigError: the role is not asked now.
        """
        if self._open is None:
            raise ConfigError(f"the role {self.role!r} is not asked: there is nothing to stop")
        self._heard = len(self._open.request.messages)
        self._open.reply.set_exception(EpisodeStop(Stop.MAX_TURNS, detail))
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
        await self._vacancy.close()

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


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(
        part.text if isinstance(part, Text) else f"[{part.name or part.media_type}]"
        for part in message.content
    )


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
