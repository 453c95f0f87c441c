"""The APIs of one entry: their tools, one reference call after another, and the state that is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from turnwise.errors import ToolError, did_you_mean
from turnwise.message import Content
from turnwise.role import Role
from turnwise.tool import Tool, Wrapped
from turnwise.tools.desk import Desk
from turnwise.tools.written import Written


class Api(Protocol):
    """One API of an entry, over a state of its own."""

    def tools(self) -> Sequence[Tool]:
        """Its tools."""
        ...

    async def do(self, name: str, arguments: dict[str, Any]) -> str:
        """Call one for nobody; what goes wrong is told as the model would be told."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Its public attributes, which can be compared."""
        ...


class DeskApi:
    """A desk as an API."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def tools(self) -> Sequence[Tool]:
        """The desk's."""
        return self.desk.tools()

    async def do(self, name: str, arguments: dict[str, Any]) -> str:
        """See `Api`."""
        try:
            return str(await self.desk.do(name, **arguments))
        except ToolError as error:
            return f"error: {error}"

    def state(self) -> Mapping[str, Any]:
        """The desk's."""
        return self.desk.state()


class Shelf:
    """The APIs of one entry.

    Args:
        apis: By name.
    """

    def __init__(self, apis: Mapping[str, Api]) -> None:
        self.apis = apis
        self._of = {tool.spec.name: (api, tool) for api in apis.values() for tool in api.tools()}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All tools, API by API."""
        return tuple(tool for _, tool in self._of.values())

    def state(self) -> dict[str, Mapping[str, Any]]:
        """Public attributes by API."""
        return {name: api.state() for name, api in self.apis.items()}

    def arguments(self, call: Written) -> dict[str, Any]:
        """The arguments of a written call by name.

        Raises:
            ToolError: there is no such tool, or they do not fit its parameters.
        """
        if call.name not in self._of:
            raise ToolError(f"there is no tool {call.name!r}{did_you_mean(call.name, self._of)}")
        _, tool = self._of[call.name]
        return call.arguments(list(tool.spec.parameters.get("properties", {})))

    async def do(self, call: Written) -> str:
        """Make a reference call; see `Api.do`.

        Raises:
            ToolError: there is no such tool, or the arguments do not fit its parameters.
        """
        arguments = self.arguments(call)
        api, _ = self._of[call.name]
        return await api.do(call.name, arguments)


class Watched(Wrapped):
    """A tool whose results are kept for the check, as they are before anything is added to them."""

    def __init__(self, tool: Tool, results: list[str]) -> None:
        super().__init__(tool)
        self._results = results

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it, and keep what it says."""
        content = await role.answer(self.tool, arguments)
        self._results.append(str(content))
        return content
