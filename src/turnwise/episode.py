"""A running episode: the handle an environment's script holds, over the log it leaves behind.

Everything the script cannot compute by itself is an effect: a model call (`Role.respond`), a recorded tool,
`effect`, `now`. It is written down the moment it arrives. An episode built over a recorded log serves its
effects from there first, so the same script rebuilds the same state, and goes on live (resume, fork) or ends
(replay) where the record does.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from math import isfinite
from time import perf_counter, time
from types import CoroutineType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from turnwise import outside, wire
from turnwise.agent import Agent
from turnwise.errors import ConfigError, ModelError, ReplayDivergence, TurnwiseError
from turnwise.limits import EpisodeStop, Limits
from turnwise.log import (
    Branch,
    Call,
    Effect,
    EpisodeLog,
    Failure,
    Note,
    Reward,
    Segment,
    Stop,
    Timing,
    Turn,
    total,
)
from turnwise.message import ToolSpec
from turnwise.model import Usage
from turnwise.order import Turnstile
from turnwise.recording import Recording
from turnwise.role import Role

if TYPE_CHECKING:
    from turnwise.environment import Environment
    from turnwise.task import Task
    from turnwise.tool import Tool

_SESSIONS = iter(range(1 << 62))


class _Vacant(NamedTuple):
    """Stands in the place of a role that nobody fills: any use of it is refused."""

    name: str
    environment: Environment
    filled: tuple[str, ...]

    def __getattr__(self, name: str) -> Any:
        raise ConfigError(
            f"nobody fills the role {self.name!r} of {self.environment.name!r}; "
            f"filled: {', '.join(self.filled)}"
        )


_NOTHING = Usage()


class Journal(Protocol):
    """Where an episode's log goes while it grows."""

    def changed(self, episode: Episode) -> None:
        """The episode has something new to `drain`; called once until it was drained."""
        ...


class Episode:
    """One conversation in the making. Each role is an attribute by its name: `episode.agent.respond(...)`.

    Attributes:
        task: The row being played.
        turns: All visible entries so far.
        rewards: All reward components so far.
        metrics: Named numbers so far.
        stop: Why it ended; None while it runs.
        seed: Seed of all its draws.
    """

    __slots__ = (
        "__dict__",
        "_closers",
        "_delivered",
        "_dirty",
        "_effects",
        "_follows",
        "_fresh_calls",
        "_fresh_effects",
        "_fresh_metrics",
        "_journal",
        "_left",
        "_main",
        "_old_notes",
        "_old_rewards",
        "_old_toolsets",
        "_old_turns",
        "_rng",
        "_said",
        "_script",
        "_successors",
        "_timings",
        "_turnstile",
        "_watch",
        "agents",
        "branches",
        "calls_made",
        "detail",
        "environment",
        "epoch",
        "error",
        "failure",
        "first_seed",
        "forking",
        "limited",
        "limits",
        "metrics",
        "notes",
        "recorded",
        "rewards",
        "roles",
        "seed",
        "spent",
        "started",
        "stop",
        "task",
        "tool_calls",
        "toolsets",
        "turns",
        "watched",
    )

    def __init__(
        self,
        environment: Environment,
        task: Task,
        agents: Mapping[str, Agent],
        *,
        seed: int = 0,
        epoch: int = 0,
        limits: Limits | None = None,
        recording: Recording | None = None,
        branches: tuple[Branch, ...] = (),
        successors: Sequence[Mapping[str, Agent]] = (),
        journal: Journal | None = None,
        watch: Callable[[int, Any], None] | None = None,
    ) -> None:
        self.environment = environment
        self.task = task
        self.agents = agents
        self.epoch = epoch
        self.first_seed = self.seed = seed
        self.limits = limits
        self.limited = limits is not None
        self.recorded = recording
        self.branches = branches
        self.forking = bool(branches)
        """Whether a place where this fork left its parent is still to come."""
        self._follows = recording is not None or self.forking
        self._left = 0
        """Of the branches: those whose parents it has left."""
        self._successors = successors
        self.started = perf_counter()
        self.turns: list[Turn] = []
        self.rewards: list[Reward] = []
        self.notes: list[Note] = []
        self.metrics: dict[str, float] = {}
        self.toolsets: list[tuple[ToolSpec, ...]] = []
        self.stop: Stop | None = None
        self.detail: str | None = None
        """The environment's own word for why it ended; a script that runs to its end may set it."""
        self.error: Failure | None = None
        self.failure: Exception | None = None
        """What `error` tells of, where it happened just now."""
        self.tool_calls = self.calls_made = 0
        self._said = 0, 0
        """Turns that were looked at, and how many of them roles said."""
        self.spent = _NOTHING
        self._rng: random.Random | None = None
        self._effects: dict[str, int] = {}
        self._journal = journal
        self._watch = watch
        self.watched = watch is not None
        """Whether somebody looks at what it shows."""
        self._dirty = False
        self._fresh_calls: list[Call] = []
        self._fresh_effects: list[Effect] = []
        self._timings: list[Timing] = []
        self._fresh_metrics = False
        # How much of each is drained already.
        self._old_turns = self._old_rewards = self._old_notes = self._old_toolsets = 0
        if recording is not None and recording.stored:
            self._old_turns, self._old_rewards = len(recording.log.turns), len(recording.log.rewards)
            self._old_notes, self._old_toolsets = len(recording.log.notes), len(recording.log.toolsets)
        self._main: asyncio.Task[Any] | None = None
        self._script: CoroutineType[Any, Any, None] | None = None
        """The script, where it runs only while `_main` runs: a quicker way to tell."""
        self._turnstile: Turnstile | None = None
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._delivered = 0
        seats = environment.seats
        session = next(_SESSIONS)
        self.roles: dict[str, Role] = {}
        named = self.__dict__
        for name in seats:
            agent = agents.get(name)
            if agent is not None:
                to = (name,) if len(seats) > 1 else ()
                self.roles[name] = named[name] = Role(self, name, agent, f"{session}/{name}", to)
        if len(self.roles) < len(seats):
            filled = tuple(self.roles)
            named.update((name, _Vacant(name, environment, filled)) for name in seats if name not in named)
        if self.forking:
            self._branch()

    if TYPE_CHECKING:
        # A real one would make every other attribute three times as slow.
        def __getattr__(self, name: str) -> Role: ...

    # What a script uses -------------------------------------------------------------------------------

    @property
    def rng(self) -> random.Random:
        """The episode's own random numbers; the only ones a script may use."""
        if self._rng is None:
            self._rng = random.Random(self.seed)
        return self._rng

    def has(self, role: str) -> bool:
        """Whether somebody fills an optional role."""
        return role in self.roles

    def tell(self, role: str, says: Any) -> Turn:
        """Say something to a role without waiting for an answer (see `Role.tell`)."""
        return getattr(self, role).tell(says)

    def reward(
        self,
        value: float | None,
        turn: Turn | int | None = None,
        *,
        role: str | None = None,
        name: str = "reward",
    ) -> None:
        """Give a role (the first by default) a named part of its reward, for a turn or the whole episode.

        None is a missing verdict: it is stored, and stays missing in every statistic.

        Raises:
            ValueError: the value is not finite.
        """
        index = turn.index if isinstance(turn, Turn) else turn
        if value is not None and not isfinite(value := float(value)):
            raise _infinite("reward", name, value)
        self.rewards.append(Reward(value=value, role=role, turn=index, name=name))

    def metric(self, name: str, value: float) -> None:
        """Set a named number of the episode.

        Raises:
            ValueError: the number is not finite.
        """
        value = float(value)
        if not isfinite(value):
            raise _infinite("metric", name, value)
        self.metrics[name] = value
        self._fresh_metrics = True

    def note(self, value: Any, turn: Turn | int | None = None, *, name: str = "note") -> None:
        """Write down any JSON value."""
        index = turn.index if isinstance(turn, Turn) else turn
        plain = value if type(value) is str else msgspec.to_builtins(value)
        self.notes.append(Note(value=plain, turn=index, name=name))

    def show(self, draw: Callable[[], Any]) -> None:
        """Show people how things stand: `draw` makes the picture, and is called only where somebody watches.

        A picture is never stored: whoever wants it later gets it by replay. See `parts/picture.py` for what
        it can be.
        """
        if self._watch is not None:
            self._watch(len(self.turns), draw())

    def end(self, detail: str | None = None, *, stop: Stop = Stop.COMPLETED) -> None:
        """End the episode here, with the environment's own word for why. Does not return."""
        raise EpisodeStop(stop, detail)

    async def effect(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask the outside world for a JSON value, write it down, and on replay use what it said then.

        Args:
            key: What kind of thing it is, e.g. `search`; effects of one key are numbered.
            ask: Called only where the answer is not recorded.

        Raises:
            RuntimeError: what `ask` raised, as text; the same on replay.
            TurnwiseError: infrastructure failed (a sandbox, a model); not recorded, so a retry asks again.
        """
        n = self._effects.get(key, 0)
        self._effects[key] = n + 1
        ticket = self.ticket()
        effect = None if self.recorded is None else self.recorded.effect(key, n)
        if effect is None:
            effect = await self._ask(key, n, ask, ticket)
        elif self.recorded is not None and not self.recorded.stored:
            self._fresh_effects.append(effect)
            self._changed()
        if ticket is not None:
            await self.passage(ticket)
        if self.forking:
            self.count_delivery()
        if effect.error is not None:
            raise RuntimeError(effect.error)
        return effect.value

    async def _ask(self, key: str, n: int, ask: Callable[[], Awaitable[Any]], ticket: int | None) -> Effect:
        at, start = len(self.turns), perf_counter()
        try:
            with outside.asked():
                value = wire.encode(await ask())
        except TurnwiseError:
            # Infrastructure failed: no answer from outside, so nothing to write down.
            self.void(ticket)
            raise
        except Exception as error:
            effect = Effect(key=key, n=n, at=at, error=f"{type(error).__name__}: {error}")
        except BaseException:
            self.void(ticket)
            raise
        else:
            effect = Effect(key=key, n=n, at=at, value=msgspec.json.decode(value))
        self._fresh_effects.append(effect)
        self._timings.append(Timing(key, n, start - self.started, perf_counter() - start))
        self._changed()
        return effect

    def at_end(self, close: Callable[[], Awaitable[None]]) -> None:
        """Have something closed when the episode is over, however it ends: the process of a scaffold."""
        self._closers.append(close)

    async def now(self) -> float:
        """The wall clock, as seconds since the epoch; recorded like any effect."""

        async def read() -> float:
            return time()

        return await self.effect("clock", read)

    # What roles use -----------------------------------------------------------------------------------

    def append(self, turn: Turn) -> None:
        """Add a turn to the log; where the turn is recorded, the two must agree.

        Raises:
            ReplayDivergence: naming the turn, what was recorded and what was said now.
        """
        if self._follows:
            self._follow(turn)
        else:
            self.turns.append(turn)
        if not self._dirty:
            self._changed()

    def add_call(self, call: Call, timing: Timing) -> None:
        """Log a call that was just made."""
        self.calls_made += 1
        self._fresh_calls.append(call)
        self._timings.append(timing)
        if not self._dirty:
            self._changed()

    def keep_call(self, call: Call) -> Call:
        """Log a call that is served from the record."""
        if call.usage is not None:
            self.spend(call.usage)
        self.calls_made += 1
        if self.recorded is not None and not self.recorded.stored:
            self._fresh_calls.append(call)
            self._changed()
        return call

    def toolset(self, tools: Sequence[Tool]) -> int:
        """Index in `toolsets` of these tools as a model is told of them."""
        specs = tuple(tool.spec for tool in tools)
        for index, known in enumerate(self.toolsets):
            if known == specs:
                return index
        self.toolsets.append(specs)
        return len(self.toolsets) - 1

    def spend(self, usage: Usage) -> None:
        """Add a call's usage to the episode's."""
        spent = self.spent
        self.spent = Usage(
            input=spent.input + usage.input,
            output=spent.output + usage.output,
            cached=spent.cached + usage.cached,
            reasoning=spent.reasoning + usage.reasoning,
            cost=spent.cost + usage.cost,
        )

    def check_limits(self) -> None:
        """End the episode where a limit is reached; called before each model call."""
        limits = self.limits
        if limits is None or self.stop is not None:
            return
        if limits.turns is not None and self.turns_said >= limits.turns:
            raise EpisodeStop(Stop.MAX_TURNS)
        if limits.tokens is not None and self.spent.output >= limits.tokens:
            raise EpisodeStop(Stop.MAX_TOKENS)
        if limits.cost is not None and self.spent.cost >= limits.cost:
            raise EpisodeStop(Stop.BUDGET)

    def check_tool_limit(self) -> None:
        """End the episode where no tool call is left."""
        limit = None if self.limits is None else self.limits.tool_calls
        if limit is not None and self.tool_calls >= limit and self.stop is None:
            raise EpisodeStop(Stop.MAX_TOOL_CALLS)

    @property
    def turns_said(self) -> int:
        """Turns said by roles so far."""
        looked, said = self._said
        if looked < len(self.turns):
            said += sum(1 for turn in self.turns[looked:] if turn.role in self.roles)
            self._said = len(self.turns), said
        return said

    def ticket(self) -> int | None:
        """A place in the order of effects, where branches run at once; None in a plain sequence."""
        script = self._script
        if script is not None and script.cr_running and self._turnstile is None:
            return None
        task = None if self._main is None else asyncio.current_task()
        if self._turnstile is None:
            if task is self._main:
                return None
            self._turnstile = Turnstile()
        if task is not None and task is not self._main:
            self._turnstile.holders.add(task)
        return self._turnstile.ticket()

    async def passage(self, ticket: int) -> None:
        """Wait until every effect asked for earlier was handed over."""
        if self._turnstile is not None:
            await self._turnstile.passage(ticket)

    async def in_turn(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do what may take its time, and hand its result over in the order in which it was begun."""
        ticket = self.ticket()
        if ticket is None or self._turnstile is None:
            return await work()
        return await self._turnstile.in_turn(ticket, work)

    async def arrive(self) -> None:
        """Within a tool: wait until its result is what comes next, where branches run at once."""
        if self._turnstile is not None:
            await self._turnstile.arrive()

    def void(self, ticket: int | None) -> None:
        """Give up a place in the order (a cancelled request)."""
        if ticket is not None and self._turnstile is not None:
            self._turnstile.void(ticket)

    def _follow(self, turn: Turn) -> None:
        """Add a turn where there is a log to follow, or a parent to leave."""
        recorded = self.recorded
        if recorded is not None and turn.index < len(recorded.log.turns):
            then = recorded.log.turns[turn.index]
            if then.message != turn.message or then.role != turn.role:
                raise ReplayDivergence(
                    f"turn {turn.index}: recorded {then.role} saying {then.text[:80]!r}, "
                    f"but replay has {turn.role} saying {turn.text[:80]!r}"
                )
        self.turns.append(turn)
        if self.forking:
            self._branch()

    def count_delivery(self) -> None:
        """One more effect was handed over."""
        self._delivered += 1
        self._branch()

    def _branch(self) -> None:
        """Leave the parent, once all is there that is shared with it: draw anew, and let others take over."""
        while self._left < len(self.branches):
            fork = self.branches[self._left]
            if len(self.turns) < fork.turns or self._delivered < fork.effects:
                return
            successors = self._successors[self._left : self._left + 1]
            self._left += 1
            if fork.seed is not None:
                self.seed = fork.seed
                if self._rng is not None:
                    # In place: a world that was given it draws anew, too.
                    self._rng.seed(self.seed)
            for name, agent in (pair for after in successors for pair in after.items()):
                self.roles[name].hand_over(agent)
        self.forking = False

    # What the engine uses -----------------------------------------------------------------------------

    async def play(self) -> None:
        """Run the script to its end; never raises but for cancellation and divergence."""
        loop = asyncio.get_running_loop()
        self._main = asyncio.current_task(loop)
        # A loop's own kind of tasks may be begun at once, within the script that makes them.
        plain = loop.get_task_factory() is None
        environment = self.environment
        seconds = None if self.limits is None else self.limits.seconds
        stop: Stop = Stop.COMPLETED
        detail: str | None = None
        try:
            try:
                script = environment.run(self.task, self)
                if plain and isinstance(script, CoroutineType):
                    self._script = script
                await (script if seconds is None else _within(seconds, script))
                detail = self.detail
            except EpisodeStop as reached:
                stop, detail = reached.stop, reached.detail
            if self._turnstile is not None:
                self._settle()
            self.limited = False
            self._script = None
            await environment.score(self.task, self)
        except EpisodeStop as reached:
            stop, detail = reached.stop, reached.detail
        except ReplayDivergence:
            raise
        except Exception as error:
            stop, detail = self._failed(error)
        finally:
            if self._turnstile is not None:
                self._settle()
            while self._closers:
                await self._closers.pop()()
        self.stop, self.detail = stop, detail
        for role in self.roles.values():
            role.close()

    def _failed(self, error: Exception) -> tuple[Stop, str | None]:
        """Write down what went wrong; why the episode ended."""
        self.failure = error
        text = "".join(traceback.format_exception(error))
        self.error = Failure(type=type(error).__name__, message=str(error), traceback=text)
        return Stop.ERROR, error.kind if isinstance(error, ModelError) else None

    def _settle(self) -> None:
        """Cancel branches that a script left running."""
        for task in () if self._turnstile is None else self._turnstile.holders:
            if not task.done() and task is not asyncio.current_task():
                task.cancel()

    def score(self, role: str | None = None) -> float | None:
        """Sum of the role's rewards so far (see `EpisodeLog.score`)."""
        if self.stop is Stop.ERROR:
            return None
        return total(self.rewards, role, self.environment.roles[0])

    def drain(self) -> tuple[dict[str, Any], list[Timing]]:
        """What is new since the last time, as fields of a `Segment`; the store encodes it at once."""
        new: dict[str, Any] = {}
        # While a stored episode is being rebuilt, less stands here than is drained already.
        if len(self.turns) > self._old_turns:
            new["turns"] = self.turns[self._old_turns :]
            self._old_turns = len(self.turns)
        if len(self.rewards) > self._old_rewards:
            new["rewards"] = self.rewards[self._old_rewards :]
            self._old_rewards = len(self.rewards)
        if len(self.notes) > self._old_notes:
            new["notes"] = self.notes[self._old_notes :]
            self._old_notes = len(self.notes)
        if len(self.toolsets) > self._old_toolsets:
            new["toolsets"] = self.toolsets[self._old_toolsets :]
            self._old_toolsets = len(self.toolsets)
        if self._fresh_calls:
            new["calls"], self._fresh_calls = self._fresh_calls, []
        if self._fresh_effects:
            new["effects"], self._fresh_effects = self._fresh_effects, []
        if self._fresh_metrics:
            new["metrics"], self._fresh_metrics = dict(self.metrics), False
        timings, self._timings = self._timings, []
        self._dirty = False
        return new, timings

    def dissolve(self) -> None:
        """Let go of the roles, once nobody asks them again: memory returns at once, not at a collection."""
        self.roles = {}
        self.__dict__.clear()
        self._main = self._script = None

    def header(self, **begun: Any) -> EpisodeLog:
        """The log's header: everything known before the first turn, and with it what was drained since."""
        return EpisodeLog(
            environment=self.environment.name,
            settings=self.environment.settings(),
            roles=self.environment.seats,
            task=msgspec.json.decode(wire.encode(self.task)),
            epoch=self.epoch,
            seed=self.first_seed,
            agents={name: agent.name for name, agent in self._last_agents().items()},
            branches=self.branches,
            **begun,
        )

    def _last_agents(self) -> dict[str, Agent]:
        agents = dict(self.agents)
        for successors in self._successors[self._left :]:
            agents |= successors
        return agents

    def log(self) -> EpisodeLog:
        """The whole log so far. Only for an episode without a journal, and only once: it drains."""
        log = self.header().extended([Segment(**self.drain()[0])])
        return msgspec.structs.replace(log, stop=self.stop, detail=self.detail, error=self.error)

    def _changed(self) -> None:
        self._dirty = True
        if self._journal is not None:
            self._journal.changed(self)


async def _within(seconds: float, script: Coroutine[Any, Any, None]) -> None:
    """A script within its wall time."""
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            await script
    except TimeoutError:
        if not scope.expired():
            raise
        raise EpisodeStop(Stop.TIMEOUT) from None


def _infinite(kind: str, name: str, value: float) -> ValueError:
    """JSON knows finite numbers only."""
    return ValueError(f"{kind} {name!r}: expected a finite number, got {value}")
