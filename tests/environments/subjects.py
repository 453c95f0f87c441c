"""Plays any environment in memory with replies made up by a test, and cuts its log into moments.

What the checks in `promises.py` stand on: a `Walker` fills any seat, says what a test wants said and notes
what it was offered; a `Course` is the episode that came of it, reply by reply.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from turnwise.action import Action, ActionSpace, Offer
from turnwise.agent import Agent
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.resolve import Given, casting
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.limits import Limits
from turnwise.log import Branch, EpisodeLog, Stop, Turn
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.recording import Recording
from turnwise.task import Task

LONG = 400
"""Replies after which an episode of an environment that promises no end is cut off."""

Reply = Callable[[Request, random.Random], str]
"""Makes up what to say to a request."""


class Asked(NamedTuple):
    """One request for a reply, and what was said."""

    offered: Offer | None
    """What could come first; None where no actions were offered."""
    said: str
    chosen: tuple[int, ...] = ()
    """The ids, where the reply was put together from actions."""


def legal(space: ActionSpace, rng: random.Random, first: int | None = None) -> tuple[int, ...]:
    """A complete legal reply, drawn action by action (which begins with `first`, where it is given)."""
    chosen: list[int] = [] if first is None else [first]
    while offered := space.offer(chosen).actions:
        chosen.append(rng.choice(offered).id)
        assert len(chosen) <= 10_000, "a reply never comes to its end: actions are offered for ever"
    return tuple(chosen)


class Walker:
    """A model for all seats of one episode: it says the lines of a tape, then what is made up.

    Args:
        tape: What to say first, whoever is asked.
        reply: Makes up the rest.
        seed: Of what is made up.
    """

    remote = False
    name = "walker"

    def __init__(self, tape: Sequence[str | tuple[int, ...]], reply: Reply, seed: object = 0) -> None:
        self.tape = tape
        self.reply = reply
        self.rng = random.Random(f"walker/{seed}")
        self.asked: list[Asked] = []

    async def sample(self, request: Request) -> Sample:
        """The next line."""
        space = request.actions
        offered = None if space is None else space.offer(())
        number = len(self.asked)
        chosen: tuple[int, ...] = ()
        line = self.tape[number] if number < len(self.tape) else self.reply(request, self.rng)
        if isinstance(line, tuple):
            assert space is not None
            chosen, line = line, space.render(line)
        self.asked.append(Asked(offered, line, chosen))
        return Sample(message=Message(role="assistant", content=line))

    async def close(self) -> None:
        pass


class Moment(NamedTuple):
    """One reply and what belongs to it."""

    role: str
    said: str
    offered: Offer | None
    told: tuple[tuple[Any, ...], ...]
    """What was said to anybody since the reply before."""
    key: str | None
    """The state that it was given in."""
    gains: tuple[tuple[str, str, float | None], ...]
    """Role, name and value of all it brought."""


class Course:
    """How an episode went."""

    def __init__(
        self, log: EpisodeLog, asked: Sequence[Asked], pictures: Sequence[Any], most: int | None
    ) -> None:
        self.log = log
        self.most = most
        self.asked = list(asked)
        self.pictures = list(pictures)

    @property
    def replies(self) -> list[Turn]:
        """All that roles said."""
        return [turn for turn in self.log.turns if turn.calls]

    @property
    def tape(self) -> list[str]:
        """What was said, reply by reply."""
        return [asked.said for asked in self.asked]

    @cached_property
    def moments(self) -> list[Moment]:
        """Reply by reply."""
        keys = {note.turn: note.value for note in self.log.notes if note.name == "state"}
        gains: dict[int | None, list[tuple[str, str, float | None]]] = {}
        for reward in self.log.rewards:
            whose = reward.role or self.log.roles[0]
            gains.setdefault(reward.turn, []).append((whose, reward.name, reward.value))
        made: list[Moment] = []
        since = 0
        for turn, asked in zip(self.replies, self.asked, strict=True):
            told = tuple((said.to, said.message) for said in self.log.turns[since : turn.index])
            mine = tuple(gains.get(turn.index, ()))
            made.append(Moment(turn.role or "", asked.said, asked.offered, told, keys.get(turn.index), mine))
            since = turn.index + 1
        return made

    @property
    def cut(self) -> bool:
        """Whether it ended because no reply was left."""
        return self.log.stop is Stop.MAX_TURNS or len(self.replies) == self.most


class Subject:
    """An environment, and who plays the seats that a check does not fill.

    Args:
        environment: The environment.
        agents: Names of agents by role, besides what the environment chooses itself.
    """

    def __init__(self, environment: Environment, agents: Mapping[str, str] | None = None) -> None:
        self.environment = environment
        self.agents = {environment.roles[0]: "random", **environment.defaults(), **(agents or {})}
        self.tasks: list[Task] = list(environment.tasks())
        self._lines: list[str] | None = None

    @property
    def name(self) -> str:
        """The environment's."""
        return self.environment.name

    @property
    def seats(self) -> tuple[str, ...]:
        """The required roles."""
        return self.environment.roles

    def some(self, count: int) -> list[Task]:
        """A few tasks, from all over the set."""
        return self.tasks[:: max(1, len(self.tasks) // count)][:count]

    def lines(self) -> list[str]:
        """Things that somebody says here who plays in earnest, for where no actions are offered."""
        if self._lines is None:
            found: dict[str, None] = {}
            for name in self.environment.agents():
                if "/" not in name:
                    for number, task in enumerate(self.some(2)):
                        course = self.watch(task, {self.seats[0]: name}, seed=number)
                        found |= dict.fromkeys(turn.text for turn in course.replies)
            self._lines = list(found)[:200]
        return self._lines

    def sensible(self, request: Request, rng: random.Random) -> str:
        """A legal reply, drawn at random; where none is offered, a line somebody said in earnest."""
        if request.actions is not None:
            return request.actions.render(legal(request.actions, rng))
        return rng.choice(self.lines())

    def watch(self, task: Task, named: Mapping[str, str], *, seed: int = 0) -> Course:
        """An episode between agents of the environment's own."""
        agents = self._cast({**self.agents, **named}, {})
        return _played(self.environment, task, agents, seed=seed)

    def walk(
        self,
        task: Task,
        tape: Sequence[str | tuple[int, ...]] = (),
        reply: Reply | None = None,
        *,
        seats: Sequence[str] | None = None,
        seed: int = 0,
        draws: object = 0,
        branches: Sequence[Branch] = (),
        past: EpisodeLog | None = None,
    ) -> Course:
        """An episode in which `tape` is said, then what `reply` makes up.

        Args:
            task: What is played.
            tape: Replies in the order they are asked for, whoever is asked: texts, or ids of actions.
            reply: What comes after it; by default something legal.
            seats: Who says it; by default all required roles.
            seed: Of the episode.
            draws: Seed of what is made up.
            branches: Where the episode draws anew.
            past: What has happened already; the tape comes after it.
        """
        self.lines()
        walker = Walker(tape, reply or self.sensible, draws)
        seats = self.seats if seats is None else seats
        others = {role: name for role, name in self.agents.items() if role not in seats}
        agents = self._cast(others, {role: Agent(walker) for role in seats})
        return _played(self.environment, task, agents, walker, seed=seed, branches=branches, past=past)

    def play(
        self,
        task: Task,
        given: Mapping[str, Agent | str],
        *,
        seed: int = 0,
        limits: Limits | None = None,
        past: EpisodeLog | None = None,
    ) -> EpisodeLog:
        """An episode with agents of a test's own, or of these names; the other seats are filled as ever."""
        named = {role: who for role, who in given.items() if isinstance(who, str)}
        made = {role: who for role, who in given.items() if not isinstance(who, str)}
        others = {role: name for role, name in self.agents.items() if role not in given}
        agents = self._cast({**others, **named}, made)
        return _played(self.environment, task, agents, seed=seed, limits=limits, past=past).log

    def _cast(self, named: Mapping[str, str], given: Mapping[str, Agent]) -> dict[str, Agent]:
        config = RunConfig(
            environment=self.name, agents={role: AgentConfig(use=use) for role, use in named.items()}
        )
        return casting(config, self.environment, Given(self.environment, None, given)).agents


def _played(
    environment: Environment,
    task: Task,
    agents: Mapping[str, Agent],
    walker: Walker | None = None,
    *,
    seed: int,
    branches: Sequence[Branch] = (),
    past: EpisodeLog | None = None,
    limits: Limits | None = None,
) -> Course:
    pictures: list[Any] = []
    episode = Episode(
        environment,
        task,
        agents,
        seed=seed,
        limits=limits or (Limits(turns=LONG) if environment.max_replies is None else None),
        branches=branches,
        recording=None if past is None else Recording(past, live=True, stored=False),
        watch=lambda _, picture: pictures.append(picture),
    )
    asyncio.run(episode.play())
    log = episode.log()
    assert log.error is None, f"{environment.name}: {log.error.traceback}"
    return Course(log, walker.asked if walker else (), pictures, environment.max_replies)


def texts(offered: Offer | None) -> tuple[Action, ...]:
    """The actions of an offer."""
    return () if offered is None else offered.actions
