"""What tools over a 3 MB database cost: a tool turn, a copy of the state, a fork of a stored episode.

Beside them what it costs to copy such a database for each episode, as packages do that keep it in plain
dictionaries: by `copy.deepcopy`, and by reading its JSON again.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import turnwise
from common import child, median, report, save
from turnwise.agent import Agent
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message, ToolCall
from turnwise.models.scripted import ScriptedModel
from turnwise.task import Task
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool
from turnwise.tools.tables import Base, Tables

CALLS = 200


def records() -> dict[str, dict[str, dict[str, Any]]]:
    """Orders, users and products: 3 MB of JSON."""
    rng = random.Random(0)

    def order(number: int) -> dict[str, Any]:
        items = [{"item": f"i{rng.randrange(10**6)}", "price": rng.randrange(9999) / 100} for _ in range(8)]
        return {"user": f"u{number % 1500}", "status": "open", "total": 0, "items": items, "note": "n" * 240}

    def user(number: int) -> dict[str, Any]:
        return {"name": f"User {number}", "email": f"u{number}@example.com", "address": {"zip": str(number)}}

    return {
        "orders": {f"#{number}": order(number) for number in range(4800)},
        "users": {f"u{number}": user(number) for number in range(1500)},
    }


class Shop(Desk):
    """Reads and writes of one record."""

    db: Tables

    def __init__(self, base: Base) -> None:
        self.db = Tables(base)

    @tool(kind="read")
    def look(self, order: str) -> str:
        """Look an order up."""
        return self.db["orders"][order]["status"]

    @tool
    def change(self, order: str, status: str) -> str:
        """Change an order's status."""
        self.db["orders"].edit(order)["status"] = status
        return "done"


BASES: list[Base] = []


class Counter(Environment, kw_only=True, frozen=True):
    """One long response, all tool calls."""

    name = "counter"

    async def run(self, task: Task, episode: Episode) -> None:
        """Offer the shop's tools."""
        await episode.agent.respond("Go.", tools=Shop(BASES[0]).tools())


def caller(name: str) -> Callable[..., Iterator[Any]]:
    """A script that calls one tool `CALLS` times; what it says is made beforehand."""
    lines = []
    for number in range(CALLS):
        given = {"order": f"#{number % 20}"} | ({"status": str(number)} if name == "change" else {})
        call = ToolCall(id=str(number), name=name, arguments=json.dumps(given))
        lines.append(Message(role="assistant", tool_calls=(call,)))

    def script(task: Task, rng: random.Random) -> Iterator[Any]:
        yield
        for line in lines:  # noqa: UP028 - what is sent goes nowhere
            yield line
        yield "bye"

    return script


def quickest(work: Callable[[], Any], count: int) -> float:
    """Median seconds."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def turn_us(name: str) -> float:
    """Microseconds of CPU for a call and its result, the scripted model's included."""
    agent = Agent(ScriptedModel(caller(name)), max_tool_rounds=CALLS + 1)

    async def play() -> None:
        episode = Episode(Counter(), Task(id="0"), {"agent": agent})
        await episode.play()
        assert episode.error is None, episode.error
        assert episode.tool_calls == CALLS

    asyncio.run(play())
    times = []
    for _ in range(20):
        start = time.process_time()
        asyncio.run(play())
        times.append(time.process_time() - start)
    return statistics.median(times) / CALLS * 1e6


def fork_ms(base: Base, writes: int) -> float:
    """Milliseconds for a fork of a stored episode of so many writes, at its end."""
    BASES[:] = [base]
    with tempfile.TemporaryDirectory() as folder:
        return _fork_ms(folder, writes)


def _fork_ms(folder: str, writes: int) -> float:
    store = turnwise.Store(Path(folder) / "runs.db")
    lines = [*list(caller("change")(Task(id="0"), random.Random()))[1 : writes + 1], "bye"]
    agents = {"agent": Agent(ScriptedModel(lines))}
    run = turnwise.run(Counter(), agents=agents, tasks=[Task(id="0")], store=store)
    turns = len(run.episode(0).turns)
    times = []

    async def go() -> None:
        for _ in range(20):
            start = time.perf_counter()
            await turnwise.fork_async(
                f"{run.id}/0", turns - 1, store=store, environment=Counter(), agents={"agent": ["bye"]}
            )
            times.append(time.perf_counter() - start)

    asyncio.run(go())
    return statistics.median(times) * 1000


def measured() -> dict[str, float]:
    """All figures of one process."""
    plain = records()
    text = json.dumps(plain)
    start = time.perf_counter()
    whole = Base(plain)
    base_ms = (time.perf_counter() - start) * 1000
    changed = Shop(whole)
    for number in range(20):
        changed.db["orders"].edit(f"#{number}")["status"] = "changed"
    small = Base({"orders": {f"#{number}": plain["orders"][f"#{number}"] for number in range(20)}})
    forks = {
        "fork_10_writes_ms": fork_ms(whole, 10),
        "fork_40_writes_ms": fork_ms(whole, 40),
        "fork_40_writes_of_20_records_ms": fork_ms(small, 40),
    }
    BASES[:] = [whole]
    return {
        "megabytes": len(text) / 1e6,
        "base_once_ms": base_ms,
        "read_turn_us": turn_us("look"),
        "write_turn_us": turn_us("change"),
        "new_us": quickest(lambda: Shop(whole), 2000) * 1e6,
        "copy_us": quickest(changed.snapshot, 500) * 1e6,
        "deepcopy_ms": quickest(lambda: copy.deepcopy(plain), 5) * 1000,
        "json_ms": quickest(lambda: json.loads(text), 5) * 1000,
        **forks,
    }


def main() -> None:
    """Three processes; medians."""
    if "child" in sys.argv:
        report(measured())
        return
    rows = [child(sys.executable, "desk.py", "child") for _ in range(3)]
    figures = {name: median(rows, name) for name in rows[0]}
    figures["deepcopy_to_copy"] = figures["deepcopy_ms"] * 1000 / figures["copy_us"]
    save("desk", {"figures": figures, "rows": rows})


if __name__ == "__main__":
    main()
