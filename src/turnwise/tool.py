"""The tool protocol. Typed functions, sandboxes and MCP servers that fulfil it live in `turnwise.tools`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol

from turnwise.message import Content, ToolSpec
from turnwise.wire import Record

if TYPE_CHECKING:
    from turnwise.role import Role


class Tool(Protocol):
    """Something a model may call. It may also have `terms`; see `Terms`."""

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        ...

    @property
    def replay(self) -> Literal["run", "record"]:
        """`run`: call it again when an episode is replayed (pure, or state inside the episode).
        `record`: use what it answered then (a search engine, a paid API)."""
        ...

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Do it for `role` and say what came out.

        Raises:
            ToolError: one line for the model to read.
        """
        ...


class Terms(Record, frozen=True, kw_only=True):
    """On what terms a tool is to be had, as its attribute `terms` says; these are a tool's that has none."""

    kind: Literal["read", "write"] = "write"
    """Whether it may change anything."""
    cost: float = 1.0
    """What a call takes of a budget."""
    timeout: float | None = None
    """Longest it may take, in seconds."""
    callers: tuple[str, ...] = ()
    """The roles that may call it; empty where all may. Others are refused by `Role.answer`."""

    def allow(self, role: str) -> bool:
        """Whether a role may call it."""
        return not self.callers or role in self.callers


_TERMS = Terms()


def terms(tool: Tool) -> Terms:
    """The terms of any tool."""
    return getattr(tool, "terms", _TERMS)


class Wrapped:
    """A tool around another, of which models are told the same; a subclass brings `call`.

    Args:
        tool: Any tool.
    """

    replay: Literal["run", "record"] = "run"
    """A replay does again what a subclass does; `tool` it asks by `Role.answer`, on its own terms."""

    def __init__(self, tool: Tool) -> None:
        self.tool = tool

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""
        return self.tool.spec

    @property
    def terms(self) -> Terms:
        """The tool's own."""
        return terms(self.tool)


def offered(tools: Iterable[Tool], role: str) -> tuple[Tool, ...]:
    """Those tools that a role may call."""
    return tuple(tool for tool in tools if terms(tool).allow(role))
