"""CodeAct (Wang et al. 2024, arXiv 2402.01030): an agent that acts by writing Python.

The environment's tools are functions in a Python session that keeps its variables; what a model writes
between `<execute>` and `</execute>` is run, and what it prints is the next observation. A reply without code
is the agent's answer. Any environment that offers tools can be played so, and by the plain `Agent` with JSON
calls: the same tools, counted and recorded alike. On the command line it is `codeact:NAME`, of any model.

As in the published harnesses: all blocks of a reply are run as one cell (MINT), an observation is cut at
2,000 characters, a cell that prints nothing is told so, and runs for 30 seconds at most (M3ToolEval). What
differs: the session is a sandbox, not the agent's own process; a last expression's value is shown, as in a
notebook; the wording is ours.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from turnwise.agent import Agent, Ask, Entry
from turnwise.log import Turn
from turnwise.message import Message
from turnwise.model import Model
from turnwise.role import Role
from turnwise.tool import Tool
from turnwise.tools.code import CodeSession, stub
from turnwise.tools.sandbox import Backend, Execution, SandboxLimits

START, END = "<execute>", "</execute>"
OBSERVATION = "Observation:"
SILENT = "Your code printed nothing. Did you forget print()?"
MOST_CHARACTERS = 2_000
_BLOCK = re.compile(rf"{START}(?:[ \t]*\n)?(.*?)(?:{END}|\Z)", re.DOTALL)
_FENCE = re.compile(r"\A\s*```(?:python|py)?[ \t]*\n(.*?)\n?\s*```\s*\Z", re.DOTALL)
_BRIEF = f"""\
You can run Python. Put code between {START} and {END}; it is run, and you are told what it prints. \
Variables last from one block to the next. Act step by step; when you are done, reply without code: that is \
your answer.
"""
_TOOLS = """
These functions are there already; they do what nothing else here can do. Where they refuse, they raise \
ToolError.
"""


class CodeAct(Agent):
    """An agent whose actions are Python, with its tools as functions.

    Args:
        model: Who writes it.
        limits: What its code may use; time that tools take does not count.
        backend: What keeps the code in, or its name.
        max_characters: Where observations are cut.
        **options: As for `Agent`; `max_tool_rounds` is the most replies of the model in one response.
    """

    def __init__(
        self,
        model: Model,
        *,
        limits: SandboxLimits | None = None,
        backend: Backend | str | None = None,
        max_characters: int = MOST_CHARACTERS,
        **options: Any,
    ) -> None:
        super().__init__(model, **options)
        self.limits = limits or SandboxLimits()
        self.backend = backend
        self.max_characters = max_characters

    async def act(self, role: Role, ask: Ask) -> Turn:
        """Think and run code, until a reply has none."""
        tools = (*self.tools, *ask.tools)
        told = brief(tools)
        session = self._session(role)
        for round_number in range(self.max_tool_rounds):
            view = role.history if self.context is None else await self.context.view(role)
            call = await role.sample(_with_brief(told, view), stop=ask.stop, actions=ask.actions)
            turn = role.post(call)
            code = read_code(turn.text)
            last = round_number == self.max_tool_rounds - 1
            if code is None or last or (ask.until is not None and ask.until(turn)):
                return turn
            execution = await session.run(code, role, tools)
            result = role.tell(observation(execution, self.max_characters))
            if ask.until is not None and ask.until(result):
                return turn
        return turn  # pyright: ignore[reportPossiblyUnboundVariable]

    def _session(self, role: Role) -> CodeSession:
        """The role's session, which ends with the episode."""
        session = role.memory.get("codeact")
        if session is None:
            session = role.memory["codeact"] = CodeSession(limits=self.limits, backend=self.backend)
            role.episode.at_end(session.close)
        return session


def brief(tools: Sequence[Tool]) -> str:
    """What a model is told of code and tools."""
    if not tools:
        return _BRIEF.strip()
    return "\n".join([_BRIEF, _TOOLS.strip(), "", *map(as_function, tools)])


def as_function(tool: Tool) -> str:
    """A tool as the function it is in the session."""
    spec = tool.spec
    properties: dict[str, Any] = spec.parameters.get("properties", {})
    needed: Sequence[str] = spec.parameters.get("required", ())
    arguments = ", ".join(
        f"{name}: {_kind(schema)}" + ("" if name in needed else f" = {schema.get('default')!r}")
        for name, schema in properties.items()
    )
    notes = [
        f"    {name}: {schema['description']}"
        for name, schema in properties.items()
        if "description" in schema
    ]
    return "\n".join([f"{stub(tool).function}({arguments})", f"    {spec.description}", *notes])


def read_code(text: str) -> str | None:
    """The code of a reply: all its blocks, one behind the other; None where it has none.

    A block that is not closed ends with the reply, as many a server drops the string that ends a sample.
    """
    blocks = [_unfenced(block) for block in _BLOCK.findall(text)]
    return "\n".join(blocks) if blocks else None


def observation(execution: Execution, most: int = MOST_CHARACTERS) -> str:
    """What a model is told of a cell."""
    text = execution.text or SILENT
    if execution.state_lost:
        text = f"The session had to be started anew; all variables are gone.\n{text}"
    return f"{OBSERVATION}\n{text[:most]}"


def _unfenced(block: str) -> str:
    """A block without the fence that models like to put around it as well."""
    fence = _FENCE.match(block)
    return (block if fence is None else fence[1]).strip("\n").rstrip()


def _with_brief(told: str, view: Sequence[Entry]) -> list[Entry]:
    """A view behind what is told of code; a system prompt stays in front, as one with it."""
    rest = list(view)
    if rest and rest[0].message.role == "system":
        told = f"{rest.pop(0).message.text}\n\n{told}"
    message = Message(role="system", content=told)
    return [Entry(message, message), *rest]


def _kind(schema: dict[str, Any]) -> str:
    """A schema's type as Python calls it."""
    if "enum" in schema:
        return " | ".join(repr(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(_kind(part) for part in schema["anyOf"])
    names = {
        "string": "str",
        "integer": "int",
        "number": "float",
        "boolean": "bool",
        "array": "list",
        "null": "None",
    }
    return names.get(schema.get("type", ""), "dict")
