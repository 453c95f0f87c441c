"""Python cells that call tools: the functions of their namespace are tools of the host.

A cell runs in the sandbox until it calls a tool, waits there for the answer, and runs on. Each such piece
ends in an effect of the episode: the call it asks for, or what came of the cell. So a replay starts no
sandbox, and yet calls every tool where it was called then, on the tool's own terms: what has a state is
rebuilt, what was recorded is read. Where an episode goes on live, the cells before are run again in a fresh
process, with the answers they had.
"""

from __future__ import annotations

import asyncio
import keyword
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from turnwise.episode import Episode
from turnwise.errors import ConfigError, ReplayDivergence
from turnwise.message import Part, Text
from turnwise.role import Role
from turnwise.tool import Tool
from turnwise.tools.sandbox import Backend, Execution, PythonSession, SandboxLimits, Stub

_ERROR = "error: "


class _Call(msgspec.Struct, frozen=True, tag="call"):
    """The code calls a tool."""

    tool: str
    arguments: dict[str, Any]


class _Done(msgspec.Struct, frozen=True, tag="done"):
    """The cell is over."""

    execution: Execution


class _Cell:
    """A cell, and what the tools it called have answered so far."""

    def __init__(self, code: str, stubs: Sequence[Stub]) -> None:
        self.code = code
        self.stubs = tuple(stubs)
        self.answers: list[str] = []


class CodeSession:
    """Cells of one role of one episode, and the process that has run some of them.

    Args:
        limits: What the code may use; time that tools take does not count.
        seed: Seeds `random` and `numpy.random` inside.
        backend: What keeps it in, or its name.
        name: How its effects are called.
    """

    def __init__(
        self,
        *,
        limits: SandboxLimits | None = None,
        seed: int | None = 0,
        backend: Backend | str | None = None,
        name: str = "code",
    ) -> None:
        self._limits = limits
        self._seed = seed
        self._backend = backend
        self._name = name
        self._cells: list[_Cell] = []
        self._first = 0
        """The first cell whose variables are not lost."""
        self._next = 0
        """The first cell that the process has not begun."""
        self._session: PythonSession | None = None
        self._known: tuple[Stub, ...] = ()
        """Functions the process has."""
        self._running: _Running | None = None
        self._episode: Episode | None = None

    async def __aenter__(self) -> CodeSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, code: str, role: Role, tools: Iterable[Tool] = ()) -> Execution:
        """Run one cell, in which each tool is a function.

        Each call counts as one of the role's tool calls and is noted in the episode (`tool_call`); what the
        role sees is only what the code prints.

        Raises:
            SandboxError: the sandbox failed; not recorded.
            ConfigError: this session has run cells of another episode.
        """
        episode = role.episode
        if self._episode is None:
            self._episode = episode
        elif self._episode is not episode:
            raise ConfigError("a CodeSession's variables are another episode's: make one for each")
        by_name = {tool.spec.name: tool for tool in tools}
        number = len(self._cells)
        self._cells.append(cell := _Cell(code, [stub(tool) for tool in by_name.values()]))

        async def step() -> Any:
            return msgspec.to_builtins(await self._step(number))

        while True:
            said = await episode.effect(f"{self._name}:{role.name}", step)
            event = msgspec.convert(said, _Call | _Done)
            if isinstance(event, _Done):
                return self._settled(number, event.execution)
            cell.answers.append(await self._use(event, role, by_name))

    async def close(self) -> None:
        """End the process; a later cell starts a fresh one and runs the cells again."""
        running, self._running = self._running, None
        session, self._session = self._session, None
        self._next = self._first
        if running is not None:
            await running.cancel()
        if session is not None:
            await session.close()

    async def _use(self, call: _Call, role: Role, tools: dict[str, Tool]) -> str:
        """Call a tool for the code."""
        episode = role.episode
        tool = tools.get(call.tool)
        if tool is None:
            return f"{_ERROR}there is no tool {call.tool!r}"
        if episode.limited:
            episode.check_tool_limit()
        episode.tool_calls += 1
        content = await role.answer(tool, call.arguments)
        if not isinstance(content, str):
            content = "\n".join(map(_text, content))
        said = {"tool": call.tool, "by": role.name, "arguments": call.arguments, "result": content}
        episode.note(said, len(episode.turns), name="tool_call")
        return content

    def _settled(self, number: int, execution: Execution) -> Execution:
        """Take over what came of a cell: where it lost the process, nothing before it counts."""
        if execution.killed is not None:
            self._first = max(self._first, number + 1)
            self._next = max(self._next, self._first)
        return execution

    async def _step(self, number: int) -> _Call | _Done:
        """Let cell `number` run, with the answers it has, to its next call or its end."""
        cell = self._cells[number]
        try:
            running = self._running
            if running is None or running.number != number or running.given > len(cell.answers):
                running = await self._caught_up(number)
            event = await running.event(cell.answers)
        except BaseException:
            await self.close()
            raise
        if isinstance(event, _Done):
            self._running = None
            event = _Done(await self._after(number, event.execution))
        return event

    async def _caught_up(self, number: int) -> _Running:
        """Begin cell `number`, in a process in which those before it have run."""
        if self._running is not None or self._next > number:
            await self.close()
        while True:
            place = self._next
            cell = self._cells[place]
            session = await self._prepared(cell)
            self._next = place + 1
            running = _Running(place, session, cell.code)
            if place == number:
                self._running = running
                return running
            event = await running.event(cell.answers)
            if isinstance(event, _Call):
                await running.cancel()
                raise ReplayDivergence(
                    f"cell {place} called {event.tool!r} when it was run again, but not at first; "
                    "does it hang on the clock, or on chance?"
                )
            await self._after(place, event.execution)

    async def _prepared(self, cell: _Cell) -> PythonSession:
        """The process, with the functions a cell may call."""
        if self._session is None:
            self._session = PythonSession(limits=self._limits, seed=self._seed, backend=self._backend)
            self._known = ()
        if cell.stubs != self._known:
            await self._session.offer(cell.stubs)
            self._known = cell.stubs
        return self._session

    async def _after(self, number: int, execution: Execution) -> Execution:
        """What came of a cell, and what it did to the process."""
        if number == self._first and number > 0:
            execution = msgspec.structs.replace(execution, state_lost=True)
        if execution.killed is not None:
            # Not the session's own fresh start: the next process needs its functions, too.
            self._first = number + 1
            await self.close()
        return execution


class _Running:
    """A cell at work, or waiting for the answer of a tool."""

    def __init__(self, number: int, session: PythonSession, code: str) -> None:
        self.number = number
        self.given = 0
        """Answers it has had."""
        self._calls: asyncio.Queue[_Call] = asyncio.Queue()
        self._answer: asyncio.Future[dict[str, str]] | None = None
        self._task = asyncio.create_task(session.run(code, serve=self._serve))

    async def event(self, answers: Sequence[str]) -> _Call | _Done:
        """What it comes to with these answers."""
        rest: Iterator[str] = iter(answers[self.given :])
        while True:
            if self._answer is None or self._answer.done():
                asked = asyncio.create_task(self._calls.get())
                await asyncio.wait({asked, self._task}, return_when="FIRST_COMPLETED")
                if not asked.done():
                    asked.cancel()
                    return _Done(self._task.result())
                call = asked.result()
            else:
                call = None
            answer = next(rest, None)
            if answer is None:
                assert call is not None
                return call
            self.given += 1
            assert self._answer is not None
            failed = answer.startswith(_ERROR)
            text = answer.removeprefix(_ERROR) if failed else answer
            self._answer.set_result({"error" if failed else "result": text})

    async def cancel(self) -> None:
        """Give it up; its process is to be closed, too."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _serve(self, tool: str, arguments: dict[str, Any]) -> dict[str, str]:
        self._answer = asyncio.get_running_loop().create_future()
        self._calls.put_nowait(_Call(tool, arguments))
        return await self._answer


def _text(part: Part) -> str:
    return part.text if isinstance(part, Text) else f"[{part.name or part.media_type}]"


def stub(tool: Tool) -> Stub:
    """The function of a tool: its name made fit for Python, its arguments in the order of the schema."""
    spec = tool.spec
    name = re.sub(r"\W", "_", spec.name)
    if not name.isidentifier() or keyword.iskeyword(name):
        name = f"_{name}" if not name.isidentifier() else f"{name}_"
    properties: dict[str, Any] = spec.parameters.get("properties", {})
    parameters = list(properties)
    loose = bool(parameters) and properties[parameters[-1]].get("type") == "array"
    return Stub(name, spec.name, parameters, spec.description, loose)
