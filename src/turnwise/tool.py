"""The tool protocol. Typed functions, sandboxes and MCP servers that fulfil it live in `turnwise.tools`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from turnwise.message import Content, ToolSpec

if TYPE_CHECKING:
    from turnwise.role import Role


class Tool(Protocol):
    """Something a model may call."""

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
