"""Environments as MCP servers: the official client plays them, over every transport."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Image
from turnwise.store.store import Store
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

pytest.importorskip("mcp", reason="the MCP SDK is not installed; get it by: pip install 'turnwise[mcp]'")

from mcp import Client, StdioServerParameters

from turnwise.serving.mcp import McpEnvironment


class Till(Desk):
    """A till."""

    total: int = 0

    @tool
    def add(self, price: int) -> int:
        """Ring something up."""
        self.total += price
        return self.total

    @tool(kind="read")
    def receipt(self) -> Image:
        """A picture of the receipt."""
        return Image(media_type="image/png", data=b"png")


class Market(Environment, kw_only=True, frozen=True):
    """A cashier, and a customer who says a price at a time."""

    name = "market"
    roles = ("cashier", "customer")

    def tasks(self) -> list[Task]:
        return [Task(id="small", meta={"prices": [3]}), Task(id="large", meta={"prices": [5, 7]})]

    def agents(self) -> dict[str, Any]:
        return {"customer/shopper": shopper, "cashier/honest": honest}

    def defaults(self) -> dict[str, str]:
        return {"customer": "shopper"}

    async def run(self, task: Task, episode: Episode) -> None:
        till = Till()
        wanted = await episode.customer.respond("What do you want?")
        for _ in task.meta["prices"]:
            reply = await episode.cashier.respond(wanted, tools=till.tools())
            wanted = await episode.customer.respond(reply)
        episode.reward(till.total == sum(task.meta["prices"]))


def honest(messages: Any) -> str:
    return "I do not know our prices."


def shopper(task: Task, rng: Any) -> Any:
    heard = yield
    for price in task.meta["prices"]:
        heard = yield f"Something for {price}."
    yield f"Thanks for {heard.text!r}."


async def shop(client: Client) -> list[Any]:
    """Play the larger task through a client; gives all that came back."""
    listed = await client.list_tools()
    said: list[Any] = [[made.name for made in listed.tools]]

    async def use(name: str, arguments: dict[str, Any] | None = None) -> None:
        result = await client.call_tool(name, arguments or {})
        texts = [getattr(block, "text", block.type) for block in result.content]
        said.append((result.is_error, *texts))

    await use("listen")
    await use("listen")
    await use("add", {"price": 5})
    await use("add", {"price": "much"})
    await use("receipt")
    await use("say", {"text": "Anything else?"})
    await use("say", {"words": "x"})
    await use("add", {"price": 7})
    await use("nothing")
    await use("say", {"text": "Bye."})
    await use("add", {"price": 1})
    return said


EXPECTED = [
    ["listen", "say", "add", "receipt"],
    (False, "Something for 5."),
    (False, "Nothing was said since."),
    (False, "5"),
    (True, "error: add: the argument 'price': expected `int`, got `str`"),
    (False, "image"),
    (False, "Something for 7."),
    (True, "error: say: the argument 'text' must be text"),
    (False, "12"),
    (True, "error: there is no tool 'nothing'; tools: add, receipt"),
    (False, "[The conversation is over: completed; score 1]"),
    (True, "error: [The conversation is over: completed; score 1]"),
]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_client_plays_a_role(mode: str) -> None:
    async def go() -> list[Any]:
        served = McpEnvironment(Market(), task="large")
        async with Client(served.server, mode=mode) as client:
            assert "listen" in (client.instructions or "")
            said = await shop(client)
        episode = served.sessions["stdio"].seat.episode
        notes = [note.value["changes"] for note in episode.notes if note.name == "changes"]
        assert notes[-1] == [{"at": ["total"], "was": 5, "now": 12}]
        await served.close()
        return said

    assert asyncio.run(go()) == EXPECTED


def test_a_tool_that_there_is_not_is_no_turn_where_only_words_are_asked_for() -> None:
    async def go() -> tuple[list[Any], int]:
        served = McpEnvironment("number_guess")
        async with Client(served.server) as client:
            await client.list_tools()
            result = await client.call_tool("guess", {"number": 50})
            said = [result.is_error, *[getattr(block, "text", "") for block in result.content]]
        turns = len(served.sessions["stdio"].seat.episode.turns)
        await served.close()
        return said, turns

    assert asyncio.run(go()) == ([True, "error: there is no tool 'guess'; tools: listen, say"], 1)


FILE = f"{__file__}:Market"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "turnwise", "serve-mcp", FILE, *words]


def test_the_command_serves_over_stdio_and_stores_the_episode(tmp_path: Path) -> None:
    place = tmp_path / "t.db"

    async def go() -> list[Any]:
        program, *words = command("--task", "large", "--store", str(place))
        async with Client(StdioServerParameters(command=program, args=words)) as client:
            return await shop(client)

    assert asyncio.run(asyncio.wait_for(go(), 60)) == EXPECTED
    run = turnwise.runs(place)[0]
    (log,) = run.logs()
    used = [turn for turn in log.turns if turn.role == "tool"]
    assert (run.row.status, log.score(), len(used)) == ("done", 1.0, 5)
    assert log.agents == {"cashier": "mcp-client", "customer": "shopper"}
    assert turnwise.replay(run.id, store=place).replayed == 1
    # Somebody else takes over from the client, after the first price was rung up.
    at = next(turn.index for turn in log.turns if turn.text == "Anything else?")
    other = turnwise.fork(f"{run.id}/0", at, agents={"cashier": "honest"}, store=place)
    (branch,) = other.logs()
    assert branch.turns[:at] == log.turns[:at]
    assert branch.turns[at].text == "I do not know our prices."


def test_what_a_client_leaves_is_kept_as_far_as_it_came(tmp_path: Path) -> None:
    async def go(store: Store) -> Run:
        began: list[Run] = []
        served = McpEnvironment(Market(), task="small", store=store, began=began.append)
        async with Client(served.server) as client:
            await client.list_tools()
            await client.call_tool("add", {"price": 2})
        assert began[0].row.status == "running"
        await served.close()
        return began[0]

    store = Store(tmp_path / "t.db")
    run = asyncio.run(go(store))
    (row,) = store.runs()
    ((_, log),) = store.read_many(row.number, [0])
    assert (row.id, row.status, log.stop) == (run.id, "stopped", None)
    assert [turn.text for turn in log.turns if turn.role == "tool"] == ["2"]
    store.close()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = command("--http", f"127.0.0.1:{port}", "--store", str(tmp_path / "t.db"))
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
        process.send_signal(signal.SIGINT)
        process.wait(30)
        assert {run.row.status for run in turnwise.runs(tmp_path / "t.db")} == {"stopped"}
    finally:
        process.kill()


def test_each_session_over_http_is_an_episode(listening: str, tmp_path: Path) -> None:
    async def go() -> None:
        async with Client(listening) as one, Client(listening) as other:
            first = await one.call_tool("listen", {})
            second = await other.call_tool("listen", {})
            # One task after the other, and a till for each.
            assert [block.text for block in (*first.content, *second.content)] == [
                "Something for 3.",
                "Something for 5.",
            ]
            for client, price, total in ((one, 3, "3"), (other, 5, "5"), (other, 7, "12")):
                result = await client.call_tool("add", {"price": price})
                assert result.content[0].text == total

    def used() -> dict[str, int]:
        logs = [log for run in turnwise.runs(tmp_path / "t.db") for log in run.logs()]
        return {log.task["id"]: sum(turn.role == "tool" for turn in log.turns) for log in logs}

    asyncio.run(asyncio.wait_for(go(), 60))
    # The server is another process, which writes down what happened as soon as it has answered.
    latest = time.monotonic() + 20
    while used() != {"small": 1, "large": 2} and time.monotonic() < latest:
        time.sleep(0.05)
    assert used() == {"small": 1, "large": 2}


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    for words, line in (
        (["--task", "none"], "no task"),
        (["--http", "8000"], "expected HOST:PORT"),
        (["--http", "0.0.0.0:8000"], "listen on 127.0.0.1"),
        (["--as", "thief"], "no role 'thief'"),
    ):
        words = [*words, "--store", str(tmp_path / "t.db")]
        done = subprocess.run(command(*words), capture_output=True, text=True, timeout=60)
        assert done.returncode == 2
        assert line in done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stdout == ""
