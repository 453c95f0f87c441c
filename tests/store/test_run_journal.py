"""When what happened is on disk: soon, whether the event loop sleeps, is busy, or never gets its turn."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import turnwise
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.task import Task

SECONDS = 0.001
"""What a script takes to answer."""


class Talk(Environment, frozen=True, kw_only=True):
    """Two rounds."""

    size: int = 300

    def tasks(self) -> list[Task]:
        return [Task(id=str(number)) for number in range(self.size)]

    async def run(self, task: Task, episode: Episode) -> None:
        for number in range(2):
            await episode.agent.respond(f"round {number}")
        episode.reward(1)


def read(store: Path, what: str) -> list[tuple[Any, ...]]:
    """What another process would read now."""
    with contextlib.closing(sqlite3.connect(store)) as connection:
        return connection.execute(what).fetchall()


def ended(store: Path) -> int:
    """Episodes that ended, as far as is stored."""
    return read(store, "SELECT count(stop) FROM episodes")[0][0]


def test_scripts_that_wait_for_nothing_are_written_while_they_play(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    seen: list[tuple[int, int]] = []

    def busy(messages: list[Message]) -> str:
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            pass
        if len(messages) == 3:
            seen.append((len(seen), ended(store)))
        return "on"

    run = turnwise.run(Talk(), busy, store=store, concurrency=4)
    assert ended(store) == 300
    # News wait 50 ms at most: 25 episodes of 2 ms, and the four that each coroutine may play meanwhile.
    assert max(before - there for before, there in seen) < 100
    assert [run.episode(number).score() for number in (0, 299)] == [1.0, 1.0]


class Stuck:
    """Answers once, and never again."""

    remote = False
    name = "stuck"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def sample(self, request: Request) -> Sample:
        if request.ordinal:
            self.asked.set()
            await asyncio.Event().wait()
        return Sample(message=Message(role="assistant", content="on"))

    async def close(self) -> None:
        pass


def test_an_answer_is_on_disk_while_the_next_is_waited_for(tmp_path: Path) -> None:
    store = tmp_path / "t.db"

    async def play() -> None:
        stuck = Stuck()
        running = asyncio.create_task(turnwise.run_async(Talk(size=20), stuck, store=store))
        await stuck.asked.wait()
        await asyncio.sleep(0.2)
        # Two of each episode are said to the agent, one by it.
        said = b"".join(data for (data,) in read(store, "SELECT data FROM log"))
        assert said.count(b'"index":') == 60
        assert said.count(b'"content":"on"') == 20
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(play())
