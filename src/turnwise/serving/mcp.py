"""Any of our environments as an MCP server: its tools, and its conversation, for whatever client there is.

    turnwise serve-mcp tool_use                              # over standard input and output
    turnwise serve-mcp tool_use --http 127.0.0.1:8000        # for many clients, at /mcp

A client's session is an episode, in which it plays one role. Besides the tools that the environment offers it
has two of ours: `listen` says what was said to the role and was not heard yet (at first the task), and `say`
answers, in words. The episode is played by the environment's own script, with its agents in the other roles;
when it is over, the last result says so, with the score. It is kept as a run of its own, to be read, replayed
and forked like any.

Over HTTP a session is what the protocol's handshake makes one. Newer revisions of the protocol have none, so
clients that speak these are asked to fall back, as the protocol has it. Needs the extra `mcp`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from turnwise.engine.results import Run
from turnwise.engine.seat import Moment, Seat
from turnwise.environment import Environment
from turnwise.errors import ConfigError, TurnwiseError
from turnwise.limits import Limits
from turnwise.message import Content, Image, Message, Text, ToolCall, ToolSpec
from turnwise.store.store import Store
from turnwise.task import Task

try:
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
except ImportError:
    raise ConfigError("turnwise.serving.mcp needs the MCP SDK: install turnwise[mcp]") from None

SAY = ToolSpec(
    name="say",
    description="Say something to the other side of the conversation, and hear what comes back.",
    parameters={
        "type": "object",
        "properties": {"text": {"type": "string", "description": "What you say."}},
        "required": ["text"],
        "additionalProperties": False,
    },
)
LISTEN = ToolSpec(
    name="listen",
    description="Hear what was said to you and you have not heard yet. Begin with this: it is your task.",
    parameters={"type": "object", "properties": {}, "additionalProperties": False},
)


class McpSession:
    """One episode, played by a client.

    Args:
        seat: The seat it takes.
        task: What is played.
        seed: Of all draws.
        began: Called with the run that the episode is kept in, if it is, when it begins.
    """

    def __init__(
        self, seat: Seat, task: Task, seed: int, began: Callable[[Run], object] | None = None
    ) -> None:
        self.seat = seat
        self._began = began
        self._task = task
        self._seed = seed
        self._moment: Moment | None = None
        self._unheard: list[Message] = []
        self._lock = asyncio.Lock()
        self._calls = itertools.count(1)

    async def tools(self) -> list[ToolSpec]:
        """What may be called now."""
        async with self._lock:
            moment = await self._at()
            return [LISTEN, SAY, *moment.tools]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> tuple[Content, bool]:
        """Call a tool.

        Returns:
            What comes back, and whether it tells of an error.
        """
        async with self._lock:
            moment = await self._at()
            if name == LISTEN.name:
                return self._heard() or "Nothing was said since.", False
            if moment.over:
                return f"error: {self._end()}", True
            if name == SAY.name:
                text = arguments.get("text")
                if not isinstance(text, str):
                    return "error: say: the argument 'text' must be text", True
                self._take(await self.seat.say(text))
                return self._heard() or "Nothing came back.", False
            if not moment.tools:
                # A script that offers none would take the call for an empty answer.
                return f"error: there is no tool {name!r}; tools: {LISTEN.name}, {SAY.name}", True
            return await self._use(name, arguments)

    async def close(self) -> None:
        """Give the episode up, if it is not over."""
        await self.seat.leave()

    async def _use(self, name: str, arguments: Mapping[str, Any]) -> tuple[Content, bool]:
        """Have the environment's script run one of its tools; what else is said then, is said with it."""
        call = ToolCall(id=f"mcp-{next(self._calls)}", name=name, arguments=_json(arguments))
        self._take(await self.seat.say(Message(role="assistant", tool_calls=(call,))))
        results = [message for message in self._unheard if message.tool_call_id == call.id]
        self._unheard = [message for message in self._unheard if message.tool_call_id != call.id]
        content = results[0].content if results else ""
        failed = isinstance(content, str) and content.startswith("error: ")
        rest = self._heard() if self._unheard or self._over else ""
        return (_joined(content, rest) if rest else content), failed

    async def _at(self) -> Moment:
        """How things stand; the first time, the episode begins."""
        if self._moment is None:
            self._take(await self.seat.begin(self._task, self._seed))
            if self._began is not None and self.seat.run is not None:
                self._began(self.seat.run)
        assert self._moment is not None
        return self._moment

    def _take(self, moment: Moment) -> None:
        self._moment = moment
        self._unheard += moment.messages

    @property
    def _over(self) -> bool:
        return self._moment is not None and self._moment.over

    def _heard(self) -> str:
        """What was not heard yet, as text; it is, now."""
        said = Moment(messages=tuple(self._unheard), reward=0).text
        self._unheard = []
        return "\n\n".join(part for part in (said, self._end() if self._over else "") if part)

    def _end(self) -> str:
        episode, score = self.seat.episode, self.seat.score
        how = f"{episode.stop}" + (f": {episode.detail}" if episode.detail else "")
        worth = "" if score is None else f"; score {score:g}"
        return f"[The conversation is over: {how}{worth}]"


class McpEnvironment:
    """An environment for MCP clients: who comes gets an episode.

    Args:
        environment: A name as on the command line, or the thing itself.
        role: Which one clients play; the first by default.
        agents: Who fills the other roles (see `turnwise.serving.Seat`).
        settings: Of the environment, where it is given by name.
        task: Play this one alone: a task, its id or its place; else clients get one after the other.
        seed: Of the first episode; each further one has the next.
        limits: Of each episode.
        store: Where to keep the episodes, each as a run of its own; None keeps nothing.
        began: Called with the run of each episode that is kept, when it begins.
    """

    def __init__(
        self,
        environment: str | Environment,
        role: str | None = None,
        *,
        agents: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
        task: Task | str | int | None = None,
        seed: int = 0,
        limits: Limits | None = None,
        store: Store | None = None,
        began: Callable[[Run], object] | None = None,
    ) -> None:
        self._seat = Seat(
            environment, role, agents=agents, settings=settings, limits=limits, store=store, name="mcp-client"
        )
        self._began = began
        self._task = None if task is None else self._seat.task(task)
        self._seed = seed
        self.sessions: dict[str, McpSession] = {}
        """By the protocol's session id; `stdio` for the one that needs none."""

    def session(self, name: str) -> McpSession:
        """A client's episode; a new one for a client that is new."""
        if name not in self.sessions:
            number = len(self.sessions)
            task = self._task or self._seat.task(number % len(self._seat.tasks))
            self.sessions[name] = McpSession(self._seat.beside(), task, self._seed + number, self._began)
        return self.sessions[name]

    async def close(self) -> None:
        """Give up what is not over."""
        for session in self.sessions.values():
            await session.close()
        await self._seat.close()

    @property
    def server(self) -> Server[Any]:
        """The SDK's server, to be run over any transport."""
        seat = self._seat

        async def on_list(context: Any, _: Any) -> types.ListToolsResult:
            specs = await _mended(self.session(_name(context)).tools())
            return types.ListToolsResult(tools=[_tool(spec) for spec in specs])

        async def on_call(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
            said = self.session(_name(context)).call(params.name, params.arguments or {})
            content, failed = await _mended(said)
            return types.CallToolResult(content=_blocks(content), is_error=failed)

        return Server(
            f"turnwise-{seat.environment.name}",
            instructions=f"You play the role {seat.role!r} in a conversation. Begin with the tool 'listen'.",
            on_list_tools=on_list,
            on_call_tool=on_call,
        )

    async def run_stdio(self) -> None:
        """Serve one client over standard input and output, until it hangs up."""
        server = self.server
        try:
            async with stdio_server() as (source, sink):
                await server.run(source, sink, server.create_initialization_options())
        finally:
            await self.close()

    def app(self, host: str = "127.0.0.1") -> Any:
        """An ASGI application that serves any number of clients at `/mcp`."""
        return _WithSessions(self.server.streamable_http_app(host=host))


class _WithSessions:
    """Tells clients of revisions without sessions that they must speak one that has them."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

        headers: dict[bytes, bytes] = dict(scope.get("headers") or ())
        wanted = headers.get(b"mcp-protocol-version", b"").decode("latin-1")
        if scope["type"] != "http" or not wanted or wanted in HANDSHAKE_PROTOCOL_VERSIONS:
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        error = {
            "code": types.UNSUPPORTED_PROTOCOL_VERSION,
            "message": "this server has sessions: use a revision with a handshake",
            "data": {"supported": list(HANDSHAKE_PROTOCOL_VERSIONS), "requested": wanted},
        }
        answer = msgspec.json.encode({"jsonrpc": "2.0", "id": _id(body), "error": error})
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 400, "headers": kind})
        await send({"type": "http.response.body", "body": answer})


async def _body(receive: Any, most: int = 1 << 20) -> bytes:
    body = b""
    while len(body) < most:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    return body


def _id(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body).get("id")
    except (msgspec.DecodeError, AttributeError, RecursionError):
        return None


async def _mended(work: Any) -> Any:
    """What fails on our side is the protocol's error, in one line."""
    from mcp.shared.exceptions import MCPError

    try:
        return await work
    except TurnwiseError as error:
        raise MCPError(types.INTERNAL_ERROR, str(error)) from None


def _name(context: Any) -> str:
    """The session's id; over standard input and output there is but one."""
    request = context.request
    return "stdio" if request is None else request.headers.get("mcp-session-id", "stdio")


def _tool(spec: ToolSpec) -> types.Tool:
    schema = spec.parameters or {"type": "object", "properties": {}}
    return types.Tool(name=spec.name, description=spec.description, input_schema=schema)


def _json(arguments: Mapping[str, Any]) -> str:
    return msgspec.json.encode(arguments).decode()


def _joined(content: Content, rest: str) -> Content:
    if isinstance(content, str):
        return f"{content}\n\n{rest}"
    return (*content, Text(text=rest))


def _blocks(content: Content) -> list[Any]:
    """Content as the protocol has it; what it has no block for is told of."""
    if isinstance(content, str):
        return [types.TextContent(text=content)]
    blocks: list[Any] = []
    for part in content:
        if isinstance(part, Text):
            blocks.append(types.TextContent(text=part.text))
        elif isinstance(part, Image) and part.data is not None:
            data = base64.b64encode(part.data).decode()
            blocks.append(types.ImageContent(data=data, mime_type=part.media_type))
        else:
            blocks.append(types.TextContent(text=f"[{part.name or part.media_type}]"))
    return blocks
