"""BFCL's multi-turn categories: fixed requests over APIs with a state, checked turn by turn.

In each turn the agent makes as many calls as it likes, until it answers without one. After the turn the state
of the APIs and the results of all calls are compared with those of the reference calls (`grading.py`), which
are made over APIs of their own. An entry is right where all turns are. Who makes more than 20 steps in a turn
is stopped, and the entry has failed.

What differs from the official program: calls written as text are parsed, never evaluated; our own APIs
(`apis/`) check arguments against their types, tell results as JSON and errors as `error: …`; a native call
whose arguments are no JSON is told so, and does not end the turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise import wire
from turnwise.environment import Capabilities, Environment
from turnwise.environments.parts import reasons
from turnwise.environments.parts.asks import Ask, Noisy, held_out
from turnwise.environments.service.bfcl import facts, load, made, players, prompts, sample
from turnwise.environments.service.bfcl.apis import DESKS
from turnwise.environments.service.bfcl.grading import FORCED, Check, check, faults, passed
from turnwise.environments.service.bfcl.published import PublishedApi
from turnwise.environments.service.bfcl.rows import BfclTask, Category
from turnwise.environments.service.bfcl.shelf import Api, DeskApi, Shelf, Watched
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError
from turnwise.log import Turn
from turnwise.message import system
from turnwise.task import Task
from turnwise.tool import Tool
from turnwise.tools.written import Written, written_calls

CHECK = "check"
"""The note of a turn's check."""


class Bfcl(Environment, kw_only=True, frozen=True):
    """Call the right functions over several turns; what they leave behind is compared."""

    name: ClassVar[str] = "bfcl"
    task_type: ClassVar[type[Task]] = BfclTask
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True)

    category: Category = "base"
    """Nothing missing; a function that comes a turn late; a parameter that does; bulky results."""
    split: Literal["sample", "train", "test", "published"] = "sample"
    """A few entries of our own over all APIs, many made by seed over TicketAPI and MathAPI, or the published
    ones."""
    count: Annotated[int, msgspec.Meta(ge=1)] = 200
    """How many entries are made by seed."""
    code: Literal["own", "published"] = "own"
    """Our own APIs, or the published classes, which are somebody else's code and run in this process."""
    calls: Literal["native", "text"] = "native"
    """Whether the agent calls tools, or writes calls as text."""
    strict: bool = False
    """Whether a call is wrong in a turn that cannot be met; the official evaluation lets it pass."""
    reward: Literal["entry", "turns"] = "entry"
    """1 for an entry whose turns are all right; or for each right turn its share, where it was played."""
    max_steps: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Steps of one turn; who makes one more is stopped."""
    variant: Literal["published", "corrected"] = "corrected"
    """Whether, as published, functions that are held out can be called all the same, which one published
    reference does."""
    noise: Annotated[int, msgspec.Meta(ge=0)] = 3000
    """Characters of noise behind each result of our own entries in the category `long_context`."""

    @property
    def reward_range(self) -> tuple[float, float]:
        """Of an entry."""
        return (0.0, 1.0)

    def tasks(self) -> Iterable[Task]:
        """The entries of the category."""
        if self.split == "published":
            return load.tasks(self.category)
        if self.split == "sample":
            return sample.tasks(self.category)
        return made.tasks(self.category, self.split, self.count)

    def shelf(self, task: BfclTask) -> Shelf:
        """The APIs of an entry, as they are in the beginning.

        Raises:
            ConfigError: one does not stand here, and published code is not asked for.
        """
        return Shelf({name: self._api(name, task) for name in task.apis})

    def _api(self, name: str, task: BfclTask) -> Api:
        config = task.config.get(name, {})
        long = task.category == "long_context" and self.split == "published"
        if self.code == "published":
            return PublishedApi(name, config, long=long)
        if name not in DESKS:
            raise ConfigError(f"bfcl: entry {task.id!r} needs the API {name!r}; there are {', '.join(DESKS)}")
        tables = facts.facts(name) if self.split == "published" else None
        return DeskApi(DESKS[name](config, facts.bulk() if long else None, tables))

    async def run(self, task: BfclTask, episode: Episode) -> None:
        """Put all requests, and check each turn."""
        await _Entry(self, task, episode).play()

    async def score(self, task: BfclTask, episode: Episode) -> None:
        """Whether all turns were played, and none has a fault."""
        checks = [wire.from_builtins(note.value, Check) for note in episode.notes if note.name == CHECK]
        right = passed(checks, len(task.asks)) and episode.detail != FORCED
        reasons.tell(episode, [*faults(checks), *_unplayed(len(checks), task, episode)])
        episode.metric("right", right)
        episode.metric("turns_right", sum(one.fault is None and one.checked for one in checks))
        if self.reward == "entry":
            episode.reward(right, name="right")
        elif not episode.rewards:
            episode.reward(0.0, name="turn")

    def agents(self) -> dict[str, Callable[..., Any]]:
        """`solver` makes the reference calls, `nothing` none, `random` any."""
        return {
            "solver": players.solver(self.shelf, self.calls),
            "nothing": players.nothing,
            "random": players.random_player(self.shelf, self.calls),
        }


class _Entry:
    """One entry being played."""

    def __init__(self, settings: Bfcl, task: BfclTask, episode: Episode) -> None:
        self.settings = settings
        self.task = task
        self.episode = episode
        self.shelf = settings.shelf(task)
        self.reference = settings.shelf(task)
        self.results: list[str] = []
        """Of all calls so far."""
        self.hidden = held_out(task.asks)
        noise = settings.noise if task.category == "long_context" and settings.split != "published" else 0
        watched = [Watched(tool, self.results) for tool in self.shelf.tools]
        self.all_tools: list[Tool] = (
            [Noisy(tool, characters=noise) for tool in watched] if noise else [*watched]
        )
        self.share = 1 / max(1, sum(bool(ask.calls) for ask in task.asks))

    @property
    def tools(self) -> list[Tool]:
        """Those that are not held out."""
        return [tool for tool in self.all_tools if tool.spec.name not in self.hidden]

    async def play(self) -> None:
        """Request by request."""
        native = self.settings.calls == "native"
        specs = None if native else [tool.spec for tool in self.tools]
        self.episode.tell("agent", system(prompts.told(specs)))
        for number, ask in enumerate(self.task.asks):
            self.hidden -= set(ask.gives)
            before = self.episode.tool_calls
            said, stopped = await (self.native(ask) if native else self.written(ask))
            if stopped:
                self.episode.detail = FORCED
                return
            await self.judge(number, ask, said, self.episode.tool_calls - before)

    @property
    def callable(self) -> dict[str, Tool]:
        """Those that can be called, by name."""
        tools = self.all_tools if self.settings.variant == "published" else self.tools
        return {tool.spec.name: tool for tool in tools}

    async def native(self, ask: Ask) -> tuple[Turn, bool]:
        """A turn whose calls are calls of tools: its last message, and whether it was stopped."""
        agent = self.episode.agent
        tools, by_name = self.tools, self.callable
        agent.tell(ask.says)
        for _ in range(self.settings.max_steps + 1):
            turn = await agent.respond(tools=tools, until=_calls)
            if not turn.message.tool_calls:
                return turn, False
            for call in turn.message.tool_calls:
                await agent.use(call, by_name)
        return turn, True  # pyright: ignore[reportPossiblyUnboundVariable]

    async def written(self, ask: Ask) -> tuple[Turn, bool]:
        """A turn whose calls are written as text."""
        episode = self.episode
        says = ask.says
        if ask.gives:
            given = [tool.spec for tool in self.tools if tool.spec.name in ask.gives]
            says = f"{prompts.listed(given)}\n\n{says}"
        for _ in range(self.settings.max_steps + 1):
            turn = await episode.agent.respond(says)
            try:
                calls = written_calls(turn.text)
            except ValueError:
                return turn, False
            if not calls:
                return turn, False
            says = prompts.results([(call.name, await self.made(call)) for call in calls])
        return turn, True  # pyright: ignore[reportPossiblyUnboundVariable]

    async def made(self, call: Written) -> str:
        """What a written call returns."""
        self.episode.check_tool_limit()
        self.episode.tool_calls += 1
        by_name = self.callable
        try:
            if call.name not in by_name:
                raise ToolError(f"there is no function {call.name!r}")
            arguments = self.shelf.arguments(call)
        except ToolError as error:
            return f"error: {error}"
        return str(await self.episode.agent.answer(by_name[call.name], arguments))

    async def judge(self, number: int, ask: Ask, said: Turn, calls: int) -> None:
        """Make the reference calls, and compare."""
        episode, settings = self.episode, self.settings
        expected = [await self.reference.do(call) for text in ask.calls for call in written_calls(text)]
        found = check(
            number,
            reference=ask.calls,
            calls=calls,
            state=self.shelf.state(),
            expected=self.reference.state(),
            results=self.results,
            expected_results=expected,
            strict=settings.strict,
        )
        episode.note(found, said, name=CHECK)
        if settings.reward == "turns" and ask.calls:
            episode.reward(self.share * (found.fault is None), said, name="turn")


def _unplayed(played: int, task: BfclTask, episode: Episode) -> list[str]:
    """Where an entry was broken off, as a line."""
    if played == len(task.asks):
        return []
    how = "stopped for too many steps" if episode.detail == FORCED else "broken off"
    return [f"turn {played + 1} of {len(task.asks)}: {how}"]


def _calls(turn: Turn) -> bool:
    """Whether a message calls tools, which are then called here."""
    return bool(turn.message.tool_calls)
