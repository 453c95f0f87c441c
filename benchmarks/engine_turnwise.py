"""One run of Turnwise with a model that only sleeps: `… EPISODES TURNS CONCURRENCY SLEEP`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import turnwise.api
from common import REPLY, Meter, World, peak_mb, report
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.task import Task


class Bench(Environment, frozen=True, kw_only=True):
    """The common world."""

    turns: int = 10

    async def run(self, task: Task, episode: Episode) -> None:
        """One exchange."""
        world = World(int(task.id), self.turns)
        said, over = world.first(), False
        while not over:
            reply = await episode.agent.respond(said)
            said, over = world.step(reply.text)
        episode.reward(1)


class Sleeper:
    """A model that answers the same after a while."""

    remote = False
    name = "sleeper"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def sample(self, request: Request) -> Sample:
        """The same answer."""
        await asyncio.sleep(self.seconds)
        return Sample(message=Message(role="assistant", content=REPLY))

    async def close(self) -> None:
        """Nothing to close."""


def main() -> None:
    """Measure."""
    episodes, turns, concurrency = map(int, sys.argv[1:4])
    tasks = [Task(id=str(number)) for number in range(episodes)]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "runs.db"
        with Meter() as meter:
            run = turnwise.run(
                Bench(turns=turns),
                Sleeper(float(sys.argv[4])),
                tasks=tasks,
                store=store,
                concurrency=concurrency,
            )
        summary = run.summary()
        assert summary["episodes"] == episodes, summary
        assert summary["turns"] == 2 * episodes * turns, summary
        run.store.close()
    report(meter.row(episodes * turns, peak_mb=peak_mb()))


main()
