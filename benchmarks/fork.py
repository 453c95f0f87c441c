"""What it takes to fork a stored episode of 200 turns at its end, in a process that is warm."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import turnwise
from common import report
from turnwise.environments.games.number_guess import NumberGuess
from turnwise.task import Task


def stubborn(messages: object) -> str:
    """Never right."""
    return "0"


def main() -> None:
    """Fork twenty times; the last turn is made anew."""
    environment = NumberGuess(max_turns=100)
    with tempfile.TemporaryDirectory() as folder:
        store = turnwise.Store(Path(folder) / "runs.db")
        run = turnwise.run(environment, stubborn, tasks=[Task(id="0")], store=store)
        turns = len(run.episode(0).turns)
        assert turns == 200, turns
        times: list[float] = []

        async def go() -> turnwise.Run:
            for _ in range(20):
                start = time.perf_counter()
                child = await turnwise.fork_async(
                    f"{run.id}/0", turns - 1, store=store, environment=environment, agents={"agent": stubborn}
                )
                times.append(time.perf_counter() - start)
            return child

        child = asyncio.run(go())
        assert child.episode(0).turns[: turns - 1] == run.episode(0).turns[: turns - 1]
    report({"fork_ms": statistics.median(times) * 1000, "fork_ms_worst": max(times) * 1000})


main()
