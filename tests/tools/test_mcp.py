"""Tools of MCP servers: a public one, started as its package says, and small ones of our own."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog
from turnwise.message import Image, Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.recording import Recording
from turnwise.task import Task
from turnwise.tool import Terms
from turnwise.tools.mcp import McpServer

pytest.importorskip("mcp", reason="the MCP SDK is not installed; get it by: pip install 'turnwise[mcp]'")

TIME = [sys.executable, "-m", "mcp_server_time", "--local-timezone", "Europe/Zurich"]
NOBODY = [sys.executable, "-c", "import sys; sys.exit('must not be started')"]
COUNTER = textwrap.dedent(
    '''
    import os, sys
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Image

    server = MCPServer("counter")
    total = 0

    @server.tool()
    def add(number: int) -> int:
        """Add to the total."""
        global total
        total += number
        return total

    @server.tool()
    def picture() -> Image:
        """A picture."""
        return Image(data=b"png", format="png")

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ValueError("on purpose")

    @server.tool()
    def die() -> str:
        """Ends the server."""
        os._exit(1)

    @server.tool()
    def sleep(seconds: float) -> str:
        """Takes its time."""
        import time
        time.sleep(seconds)
        return "done"

    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
    '''
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("mcp") / "counter.py"
    path.write_text(COUNTER)
    return [sys.executable, str(path)]


class Caller(Environment, kw_only=True, frozen=True, dict=True):
    """Somebody with a server."""

    async def run(self, task: Task, episode: Episode) -> None:
        async with self.__dict__["server"]() as server:
            await episode.agent.respond("Go.", tools=await server.tools(episode))


def play(server: Callable[[], McpServer], lines: list[Any], recording: Recording | None = None) -> Episode:
    environment = Caller()
    environment.__dict__["server"] = server
    agents = {"agent": Agent(ScriptedModel([*lines, "bye"]))}
    episode = Episode(environment, Task(id="0"), agents, recording=recording)
    asyncio.run(asyncio.wait_for(episode.play(), 60))
    return episode


def calls(*wanted: tuple[str, Any]) -> Message:
    return Message(
        role="assistant",
        tool_calls=tuple(
            ToolCall(id=str(n), name=name, arguments=json.dumps(given))
            for n, (name, given) in enumerate(wanted)
        ),
    )


def said(log: EpisodeLog) -> list[str]:
    return [turn.text for turn in log.turns if turn.message.role == "tool"]


@pytest.mark.skipif(
    find_spec("mcp_server_time") is None, reason="mcp-server-time is not installed; get it by: pip install it"
)
def test_a_public_server_and_its_replay() -> None:
    lines = [
        calls(
            (
                "convert_time",
                {"source_timezone": "Europe/Zurich", "time": "12:00", "target_timezone": "Asia/Kolkata"},
            )
        ),
        calls(("get_current_time", {"timezone": "Nowhere/Land"})),
        calls(("get_current_time", {"timezone": "UTC"})),
    ]
    episode = play(lambda: McpServer(command=TIME), lines)
    assert episode.error is None
    log = episode.log()
    (specs,) = log.toolsets
    assert [spec.name for spec in specs] == ["get_current_time", "convert_time"]
    assert specs[0].parameters["required"] == ["timezone"]
    converted, wrong, now = said(log)
    # Zurich is 3.5 or 4.5 hours behind Kolkata, as summer has it.
    assert json.loads(converted)["time_difference"] in ("+3.5h", "+4.5h")
    assert wrong.startswith("error: ")
    assert json.loads(now)["timezone"] == "UTC"
    again = play(lambda: McpServer(command=NOBODY), [], Recording(log, live=False, stored=False))
    assert again.log().to_json() == log.to_json()


def test_answers_of_all_kinds(counter: list[str]) -> None:
    lines = [
        calls(("add", {"number": 2}), ("add", {"number": 3}), ("add", {"number": "x"})),
        calls(("picture", {}), ("fail", {})),
    ]
    episode = play(lambda: McpServer(command=counter, seconds=20), lines)
    assert episode.error is None
    log = episode.log()
    two, five, wrong, picture, failed = said(log)
    assert (two, five, picture) == ("2", "5", "")
    assert wrong.startswith("error: ")
    assert failed == "error: Error executing tool fail"
    (shown,) = [turn.message.content for turn in log.turns if turn.message.name == "picture"]
    assert shown == (Image(media_type="image/png", data=b"png"),)


def test_a_server_is_brought_up_to_its_state(counter: list[str]) -> None:
    lines = [calls(("add", {"number": number})) for number in (1, 10, 100)]
    log = play(lambda: McpServer(command=counter, again=True), lines).log()
    assert said(log) == ["1", "11", "111"]
    head = EpisodeLog(
        **{name: getattr(log, name) for name in ("environment", "settings", "roles", "task", "seed")},
        turns=log.turns[:5],
        calls=log.calls[:2],
        effects=tuple(effect for effect in log.effects if effect.n < 2),
        toolsets=log.toolsets,
    )
    for again, last in ((True, "111"), (False, "100")):

        def server(again: bool = again) -> McpServer:
            return McpServer(command=counter, again=again)

        resumed = play(server, lines, Recording(head, live=True, stored=False)).log()
        assert said(resumed) == ["1", "11", last]


def test_time_is_limited_and_a_dead_server_is_no_observation(counter: list[str]) -> None:
    late = play(lambda: McpServer(command=counter, seconds=1), [calls(("sleep", {"seconds": 30}))])
    assert said(late.log()) == ["error: stopped after 1 seconds"]
    own = {"sleep": Terms(timeout=0.5)}
    soon = play(lambda: McpServer(command=counter, terms=own), [calls(("sleep", {"seconds": 30}))])
    assert said(soon.log()) == ["error: stopped after 0.5 seconds"]
    dead = play(lambda: McpServer(command=counter), [calls(("die", {}))])
    assert dead.error is not None
    assert dead.error.type == "ServerError"
    assert dead.log().effects[-1].key == "mcp:mcp:tools"
    never = play(lambda: McpServer(command=NOBODY), [])
    assert never.error is not None
    assert never.error.message == "MCP server 'mcp': must not be started"


def test_an_episode_whose_server_died_replays_as_far_as_it_came(counter: list[str], tmp_path: Path) -> None:
    environment = Caller()
    environment.__dict__["server"] = lambda: McpServer(command=counter)
    lines = [calls(("add", {"number": 1})), calls(("die", {})), "bye"]
    run = turnwise.run(environment, ScriptedModel(lines), store=tmp_path / "t.db")
    (log,) = run.logs()
    assert log.error is not None
    assert log.error.message == "MCP server 'mcp' is gone: Connection closed"
    environment.__dict__["server"] = lambda: McpServer(command=NOBODY)
    replayed = turnwise.replay(run.id, store=tmp_path / "t.db", environment=environment)
    assert (replayed.replayed, replayed.errors) == (1, {})


def test_tools_are_chosen_and_places_checked(counter: list[str]) -> None:
    episode = play(lambda: McpServer(command=counter, only=["add"]), [calls(("fail", {}))])
    log = episode.log()
    assert [spec.name for spec in log.toolsets[0]] == ["add"]
    assert said(log) == ["error: there is no tool 'fail'; tools: add"]
    missing = play(lambda: McpServer(command=counter, only=["adds"]), [])
    assert missing.error is not None
    assert "has no tool 'adds'; it has add, " in missing.error.message
    for wrong in ({}, {"command": ["x"], "url": "http://x"}):
        with pytest.raises(ConfigError, match="either a command or a url"):
            McpServer(**wrong)  # type: ignore[arg-type]


@pytest.fixture
def listening(counter: list[str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*counter, str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


def test_a_server_that_listens(listening: str, tmp_path: Path) -> None:
    lines = [calls(("add", {"number": 2})), calls(("add", {"number": 3}))]
    episode = play(lambda: McpServer(url=listening, headers={"x-key": "secret"}), lines)
    assert episode.error is None
    log = episode.log()
    assert said(log) == ["2", "5"]
    assert b"secret" not in log.to_json()
    nobody = play(lambda: McpServer(url="http://127.0.0.1:1/mcp"), [])
    assert nobody.error is not None
    assert nobody.error.type == "ServerError"
