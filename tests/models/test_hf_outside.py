"""Models in lockstep beside the outside world: who waits for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import tiny  # noqa: E402
import turnwise  # noqa: E402
from turnwise.agent import Agent  # noqa: E402
from turnwise.environment import Environment  # noqa: E402
from turnwise.episode import Episode  # noqa: E402
from turnwise.message import Message  # noqa: E402
from turnwise.model import Request, Sampling  # noqa: E402
from turnwise.models.hf import connect  # noqa: E402
from turnwise.task import Task  # noqa: E402


class Looks(Environment, kw_only=True, frozen=True):
    """Three turns; after each the script looks something up, which takes as long as it takes."""

    name = "looks"

    async def run(self, task: Task, episode: Episode) -> None:
        says = f"task {task.id}"
        for turn in range(3):
            reply = await episode.agent.respond(says)

            async def look(turn: int = turn, length: int = len(reply.text)) -> str:
                await asyncio.sleep(pace(int(task.id), turn))
                return f"{length} letters"

            says = await episode.effect("look", look)


pace: Callable[[int, int], float] = lambda number, turn: 0.0  # noqa: E731
"""Seconds that looking takes: the outside world's, not the environment's."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    tiny.save(folder)
    return folder


def logs(folder: Path, how: Callable[[int, int], float], monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    monkeypatch.setitem(globals(), "pace", how)
    model: Any = connect(str(folder), {"lockstep": True, "max_batch": 8})
    agent = Agent(model, sampling=Sampling(temperature=1.0, max_tokens=12))
    episodes = [Episode(Looks(), Task(id=str(n)), {"agent": agent}, seed=n) for n in range(6)]

    async def go() -> None:
        await asyncio.gather(*(episode.play() for episode in episodes))
        await model.close()

    asyncio.run(go())
    return [episode.log().to_json() for episode in episodes]


def test_how_long_the_outside_world_takes_changes_no_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logs hold log-probabilities, so equal bytes mean equal batches."""
    quick = logs(folder, lambda number, turn: 0.0, monkeypatch)
    for slow in (
        lambda n, t: 0.02 * ((n + t) % 3),
        lambda n, t: 0.01 * (7 * n % 5),
        lambda n, t: 0.05 * (n == t),
    ):
        assert logs(folder, slow, monkeypatch) == quick


def test_what_is_asked_outside_may_ask_the_model_itself(folder: Path) -> None:
    """A tool that a model helps with: nobody waits for it, since it waits for the model."""
    model: Any = connect(str(folder), {"lockstep": True})
    asked = Request(messages=[Message(role="user", content="hello")], sampling=Sampling(max_tokens=4))

    class Helped(Environment, kw_only=True, frozen=True):
        name = "helped"

        async def run(self, task: Task, episode: Episode) -> None:
            async def ask() -> str:
                return (await asyncio.create_task(model.sample(asked))).message.text

            await episode.effect("help", ask)

    episode = Episode(Helped(), Task(id="0"), {"agent": Agent(model)}, seed=0)

    async def go() -> None:
        async with asyncio.timeout(30):
            await episode.play()
        await model.close()

    asyncio.run(go())
    assert episode.error is None


def test_that_episodes_of_a_run_begin_a_few_at_a_time_changes_no_bit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody computes before the last has begun, however long that takes."""

    def play(name: str) -> list[bytes]:
        model = connect(str(folder), {"lockstep": True, "max_batch": 40})
        agent = Agent(model, sampling=Sampling(temperature=1.0, max_tokens=6))
        tasks = [Task(id=str(n)) for n in range(40)]
        run = turnwise.run(Looks(), agent, tasks=tasks, store=tmp_path / name, concurrency=40)
        return [log.to_json() for log in run.logs()]

    usual = play("usual.db")
    monkeypatch.setattr("turnwise.engine.runner._APART", 0.05)
    assert play("slow.db") == usual
