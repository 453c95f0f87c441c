"""The tools of any MCP server, through the official SDK; needs the extra `mcp`.

    async with McpServer(command=[sys.executable, "-m", "mcp_server_time"]) as server:
        await episode.agent.respond("What time is it in Bern?", tools=await server.tools(episode))

What a server lists and answers is recorded, so a replay starts none. The server's process (or connection)
is the episode's own, and begins with the first call that is not on record. A server that keeps a state is
brought up to it by making the earlier calls again, where it is told to (`again`).

A server that is started here runs on the host, with a small environment: it is as trusted as who names it.
What it says is not.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Literal, cast

import msgspec

from turnwise.episode import Episode
from turnwise.errors import ConfigError, ToolError, TurnwiseError
from turnwise.message import Audio, Content, File, Image, Part, Text, ToolSpec
from turnwise.role import Role
from turnwise.tool import Terms

_CLOSED = -32000
"""The SDK's code for a connection that is gone."""


class ServerError(TurnwiseError):
    """An MCP server that does not start, or is gone."""


class _Answer(msgspec.Struct, frozen=True):
    """What a call gave."""

    content: tuple[Part, ...]
    failed: bool = False


class McpServer:
    """An MCP server, and the tools it has; made inside `Environment.run`, with `async with`, which ends it.

    Args:
        command: Starts a server that talks over its standard input and output.
        url: Or where one listens (streamable HTTP).
        environment: Variables for the process, besides the few that any one gets (`PATH`, `HOME` …).
        folder: Where the process starts.
        headers: Of each HTTP request.
        name: How its effects are called; where an episode has several servers, their names differ.
        seconds: Longest a call may take, where the tool's terms say nothing else.
        again: Whether an episode that goes on live makes its earlier calls again, for the server's state.
        only: Names of the tools to offer; all by default.
        terms: Of each of its tools, by name.

    Raises:
        ConfigError: neither a command nor a URL, or both.
    """

    def __init__(
        self,
        *,
        command: Sequence[str] | None = None,
        url: str | None = None,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        headers: Mapping[str, str] | None = None,
        name: str = "mcp",
        seconds: float = 60.0,
        again: bool = False,
        only: Collection[str] | None = None,
        terms: Mapping[str, Terms] | None = None,
    ) -> None:
        if (not command) == (url is None):
            raise ConfigError("McpServer: expected either a command or a url")
        self.name = name
        self.again = again
        self._command = list(command or ())
        self._url = url
        self._environment = dict(environment or {})
        self._folder = folder
        self._headers = dict(headers or {})
        self._seconds = seconds
        self._only = None if only is None else frozenset(only)
        self._terms = dict(terms or {})
        self._line: _Line | None = None
        self._opening = asyncio.Lock()
        self._made: list[tuple[str, dict[str, Any]]] = []
        """Calls so far, those on record included."""
        self._done = 0
        """How many of them the server at hand has answered."""

    async def __aenter__(self) -> McpServer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def tools(self, episode: Episode) -> tuple[McpTool, ...]:
        """Its tools; what it lists is an effect.

        Raises:
            ServerError: it does not start.
            ConfigError: one that is wanted is not there.
        """
        listed = await episode.effect(f"mcp:{self.name}:tools", lambda: self._ask(_list))
        specs = msgspec.convert(listed, tuple[ToolSpec, ...])
        missing = (self._only or frozenset()) - {spec.name for spec in specs}
        if missing:
            known = ", ".join(spec.name for spec in specs)
            raise ConfigError(f"MCP server {self.name!r} has no tool {min(missing)!r}; it has {known}")
        return tuple(
            McpTool(self, spec, self._terms.get(spec.name, Terms()))
            for spec in specs
            if self._only is None or spec.name in self._only
        )

    async def call(self, tool: str, arguments: dict[str, Any], role: Role) -> Content:
        """Call one of its tools, or read from the record what it answered.

        Raises:
            ToolError: it refuses.
            ServerError: it is gone; not recorded.
        """
        place = len(self._made)
        self._made.append((tool, arguments))

        async def ask() -> Any:
            return msgspec.to_builtins(await self._ask(lambda client: self._answer(client, place)))

        answer = msgspec.convert(await role.episode.effect(f"mcp:{self.name}:{role.name}", ask), _Answer)
        if answer.failed:
            raise ToolError(" ".join(_text(answer.content).split()) or "the server reports an error")
        if all(isinstance(part, Text) for part in answer.content):
            return _text(answer.content)
        return answer.content

    async def close(self) -> None:
        """End it; a later call starts it anew."""
        line, self._line = self._line, None
        self._done = 0
        if line is not None:
            await line.close()

    async def _ask(self, question: Callable[[Any], Awaitable[Any]]) -> Any:
        """Ask the server, which is started where it is not."""
        async with self._opening:
            if self._line is None or self._line.broken:
                await self.close()
                self._line = await _Line.open(self._transport, self._seconds, self.name)
        return await question(self._line.client)

    async def _answer(self, client: Any, place: int) -> _Answer:
        """The answer to call `place`, after those before it where the server must know them."""
        async with self._opening:
            if self.again:
                for tool, arguments in self._made[self._done : place]:
                    await self._send(client, tool, arguments)
            self._done = place + 1
        return await self._send(client, *self._made[place])

    async def _send(self, client: Any, tool: str, arguments: dict[str, Any]) -> _Answer:
        from mcp.shared.exceptions import MCPError

        terms = self._terms.get(tool)
        seconds = self._seconds if terms is None or terms.timeout is None else terms.timeout
        try:
            async with asyncio.timeout(seconds):
                result = await client.call_tool(tool, arguments)
        except TimeoutError:
            return _Answer((Text(text=f"stopped after {seconds:g} seconds"),), failed=True)
        except MCPError as error:
            if error.code == _CLOSED:
                raise ServerError(f"MCP server {self.name!r} is gone: {error}") from None
            return _Answer((Text(text=str(error)),), failed=True)
        return _Answer(tuple(map(_part, result.content)), failed=bool(result.is_error))

    def _transport(self, words: Any) -> Any:
        """How the server is reached; `words` takes what its process says besides."""
        try:
            from mcp import StdioServerParameters
            from mcp.client.stdio import stdio_client
        except ImportError:
            raise ConfigError("the MCP SDK is not installed: install turnwise[mcp]") from None
        if self._url is not None:
            return _over_http(self._url, self._headers, self._seconds)
        command, *arguments = self._command
        wanted = StdioServerParameters(
            command=command, args=arguments, env=self._environment or None, cwd=self._folder
        )
        return stdio_client(wanted, errlog=words)


class McpTool:
    """A tool of an MCP server."""

    replay: Literal["run", "record"] = "run"
    """Its server keeps the record, and learns which calls there were."""

    def __init__(self, server: McpServer, spec: ToolSpec, terms: Terms) -> None:
        self.server = server
        self.spec = spec
        self.terms = terms

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it; see `McpServer.call`."""
        return await self.server.call(self.spec.name, arguments, role)


class _Line:
    """A connection, kept by a task of its own: the SDK wants it closed by who opened it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._end = asyncio.Event()
        self._ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self.client: Any = None

    @property
    def broken(self) -> bool:
        """Whether it is gone."""
        return self._task is None or self._task.done()

    @classmethod
    async def open(cls, transport: Callable[[Any], Any], seconds: float, name: str) -> _Line:
        """Connect.

        Raises:
            ServerError: nobody answers.
        """
        line = cls(name)
        line._task = asyncio.create_task(line._keep(transport, seconds))
        try:
            line.client = await line._ready
        except asyncio.CancelledError:
            await line.close()
            raise
        return line

    async def close(self) -> None:
        """Hang up."""
        self._end.set()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _keep(self, transport: Callable[[Any], Any], seconds: float) -> None:
        with tempfile.TemporaryFile("w+", errors="replace") as words:
            try:
                from mcp import Client

                # Some need longer to start than to answer, but none needs for ever.
                async with asyncio.timeout(max(seconds, 30.0)) as start, Client(transport(words)) as client:
                    start.reschedule(None)
                    self._ready.set_result(client)
                    await self._end.wait()
            except ConfigError as error:
                self._fail(error)
            except ImportError:
                self._fail(ConfigError("the MCP SDK is not installed: install turnwise[mcp]"))
            except Exception as error:
                self._fail(ServerError(f"MCP server {self._name!r}: {_last_line(words) or _reason(error)}"))

    def _fail(self, error: TurnwiseError) -> None:
        if not self._ready.done():
            self._ready.set_exception(error)


@contextlib.asynccontextmanager
async def _over_http(url: str, headers: Mapping[str, str], seconds: float) -> AsyncGenerator[Any]:
    """The streams of a server that listens."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    # A stream of events may be silent for as long as a call takes.
    patience = httpx2.Timeout(30.0, read=max(300.0, seconds))
    async with (
        httpx2.AsyncClient(headers=dict(headers), timeout=patience) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


async def _list(client: Any) -> list[Any]:
    """All tools a server lists, page by page."""
    specs: list[Any] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        specs += [
            {"name": tool.name, "description": tool.description or "", "parameters": tool.input_schema}
            for tool in page.tools
        ]
        cursor = page.next_cursor
        if not cursor:
            return specs


def _part(block: Any) -> Part:
    """A block of a server's answer as a content part; what is no text or bytes is told of."""
    kinds: dict[str, type[Image | Audio]] = {"image": Image, "audio": Audio}
    if block.type == "text":
        return Text(text=block.text)
    if block.type in kinds:
        return kinds[block.type](media_type=block.mime_type, data=_bytes(block.data))
    if block.type == "resource" and hasattr(block.resource, "text"):
        return Text(text=block.resource.text)
    if block.type == "resource":
        kind = block.resource.mime_type or "application/octet-stream"
        return File(media_type=kind, data=_bytes(block.resource.blob), name=str(block.resource.uri))
    return Text(text=f"[{block.type}: {getattr(block, 'uri', '')}]")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _text(content: Sequence[Part]) -> str:
    return "\n".join(part.text for part in content if isinstance(part, Text))


def _last_line(words: Any) -> str:
    """The last thing a process said besides."""
    with contextlib.suppress(OSError, ValueError):
        words.flush()
        words.seek(0, os.SEEK_SET)
        lines = [line.strip() for line in words.read()[-4000:].splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""
    return ""


def _reason(error: BaseException) -> str:
    """The innermost reason, of the group that the SDK's tasks end in."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
