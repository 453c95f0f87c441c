"""How long model calls took: told by role, from what is stored of each call."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import turnwise
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.message import Message
from turnwise.model import Request, Sample
from turnwise.task import Task


class Pair(Environment, frozen=True, kw_only=True):
    """Two roles say something; an effect in between takes long."""

    roles: ClassVar[tuple[str, ...]] = ("quick", "slow")
    size: int = 5

    def tasks(self) -> list[Task]:
        return [Task(id=str(number)) for number in range(self.size)]

    async def run(self, task: Task, episode: Episode) -> None:
        async def rest() -> None:
            await asyncio.sleep(0.2)

        await episode.quick.respond("go")
        if self.size == 5:
            await episode.effect("rest", rest)
        await episode.slow.respond("go")


class Sleeper:
    """Answers after a while that grows from call to call."""

    remote = False

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds

    async def sample(self, request: Request) -> Sample:
        await asyncio.sleep(self.seconds * (1 + int(request.task.id)))
        return Sample(message=Message(role="assistant", content="gone"))

    async def close(self) -> None:
        pass


def test_quantiles_are_those_of_the_stored_times_by_role_without_effects(tmp_path: Path) -> None:
    agents = {"quick": Sleeper("quick", 0), "slow": Sleeper("slow", 0.02)}
    run = turnwise.run(Pair(), agents=agents, store=tmp_path / "t.db")
    latency = run.latency()
    assert list(latency) == ["quick", "slow"]
    for role, told in latency.items():
        times = [t.seconds for n in range(5) for t in run.store.timings(run.row.number, n) if t.key == role]
        assert told.calls == 5
        assert (told.p50, told.p95) == pytest.approx(tuple(np.quantile(times, [0.5, 0.95])))
    assert 0.06 <= latency["slow"].p50 < 0.1 <= latency["slow"].p95 + 0.005
    assert latency["quick"].p95 < 0.05
    assert run.summary()["latency"]["slow"]["p50"] == latency["slow"].p50


def test_a_large_run_is_told_from_episodes_spread_over_it(tmp_path: Path) -> None:
    agents = {"quick": Sleeper("quick", 0), "slow": Sleeper("slow", 0)}
    run = turnwise.run(Pair(size=1001), agents=agents, store=tmp_path / "t.db")
    assert {told.calls for told in run.latency().values()} == {91}


def test_a_run_of_which_nothing_is_known_tells_nothing(tmp_path: Path) -> None:
    store = turnwise.Store(tmp_path / "t.db")
    store.create_run(environment="pair", planned=3, config={"environment": "pair"}, provenance={})
    assert turnwise.open_run(store=store).latency() == {}
