"""Runs over the store: errors of one episode, error policies, full disks, changed tasks, many processes."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import turnwise
from turnwise.environment import Environment
from turnwise.episode import Episode
from turnwise.errors import ConfigError, ModelError, StoreError, TaskError
from turnwise.limits import Limits
from turnwise.message import Message
from turnwise.model import Request, Sample, Usage
from turnwise.task import Task


class Walk(Environment, frozen=True, kw_only=True):
    """Five rounds; some tasks are bad in some way."""

    size: int = 10

    def tasks(self) -> list[Task]:
        return [Task(id=f"t{number}") for number in range(self.size)]

    async def run(self, task: Task, episode: Episode) -> None:
        for number in range(5):
            reply = await episode.agent.respond(f"round {number}")
            if reply.text == "stumble":
                raise ValueError("stumbled over a stone")
        episode.reward(1)


class Walker:
    """Says `on`, and goes wrong where it is told to; counts its calls by task and ordinal."""

    remote = False
    name = "walker"

    def __init__(self, wrong: dict[tuple[str, int], Any] | None = None, sleep: float = 0) -> None:
        self.wrong = wrong or {}
        self.sleep = sleep
        self.asked: list[tuple[str, int]] = []

    async def sample(self, request: Request) -> Sample:
        place = request.task.id, request.ordinal
        self.asked.append(place)
        await asyncio.sleep(self.sleep)
        what = self.wrong.get(place, "on")
        if isinstance(what, Exception):
            raise what
        return Sample(message=Message(role="assistant", content=what))

    async def close(self) -> None:
        pass


def test_an_error_touches_only_its_episode_and_keeps_what_was_before(tmp_path: Path) -> None:
    walker = Walker({("t3", 2): "stumble", ("t5", 4): ModelError("no more", kind="server")})
    run = turnwise.run(Walk(), walker, store=tmp_path / "t.db")
    rows = run.episodes()
    assert [row.number for row in rows if row.stop == "error"] == [3, 5]
    assert all(row.score == 1.0 for row in rows if row.stop != "error")
    assert rows[3].score is None
    log = run.episode(3)
    assert [turn.text for turn in log.turns] == ["round 0", "on", "round 1", "on", "round 2", "stumble"]
    assert log.error is not None
    assert (log.error.type, log.error.message) == ("ValueError", "stumbled over a stone")
    assert "test_runs.py" in log.error.traceback
    assert run.episode(5).detail == "server"
    summary = run.summary()
    assert (summary["episodes"], summary["failed"], summary["score"]["mean"]) == (10, 2, 1.0)
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=Walk()).replayed == 10


def test_resume_tries_failed_episodes_again_with_what_they_had(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    walker = Walker({("t5", 3): ModelError("down", kind="server")})
    run = turnwise.run(Walk(), walker, store=store)
    walker.wrong.clear()
    walker.asked.clear()
    kept = turnwise.resume(run.id, store=store, environment=Walk(), agents={"agent": walker}, retry=False)
    assert kept.summary()["failed"] == 1
    assert walker.asked == []
    again = turnwise.resume(run.id, store=store, environment=Walk(), agents={"agent": walker})
    assert walker.asked == [("t5", 3), ("t5", 4)]
    assert again.summary()["failed"] == 0
    fresh = turnwise.run(Walk(), Walker(), store=store)
    assert [log.to_json() for log in again.logs()] == [log.to_json() for log in fresh.logs()]


@pytest.mark.parametrize(("limit", "ended"), [(0, 1), (2, 3), (0.15, 2)])
def test_too_many_errors_stop_the_run(tmp_path: Path, limit: float, ended: int) -> None:
    walker = Walker({(f"t{number}", 0): "stumble" for number in range(10)})
    with pytest.raises(turnwise.RunStopped, match=r"ValueError: stumbled over a stone.*resume") as caught:
        turnwise.run(Walk(), walker, store=tmp_path / "t.db", max_errors=limit, concurrency=1)
    assert caught.value.run.summary()["failed"] == ended
    assert caught.value.run.row.status == "stopped"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("kind", ["reward", "metric"])
def test_a_number_json_has_no_word_for_fails_the_episode_in_one_line(
    tmp_path: Path, kind: str, value: float
) -> None:
    class Odd(Environment, frozen=True, kw_only=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await episode.agent.respond("hello")
            if kind == "reward":
                episode.reward(value)
            else:
                episode.metric("odd", value)

    run = turnwise.run(Odd(), ["hi"], store=tmp_path / "t.db")
    log = run.episode(0)
    assert log.error is not None
    assert log.error.message.endswith(f"expected a finite number, got {value}")
    assert [turn.text for turn in log.turns] == ["hello", "hi"]


def test_limits_end_episodes_with_their_reason(tmp_path: Path) -> None:
    run = turnwise.run(Walk(), Walker(), store=tmp_path / "t.db", limits=Limits(turns=2).__class__(turns=2))
    assert {(row.stop, row.calls) for row in run.episodes()} == {("max_turns", 2)}
    slow = turnwise.run(Walk(), Walker(sleep=0.2), store=tmp_path / "t.db", limits={"seconds": 0.3})
    assert {(row.stop, row.calls) for row in slow.episodes()} == {("timeout", 1)}
    assert turnwise.replay(slow.id, store=tmp_path / "t.db", environment=Walk()).diverged == 0


@pytest.mark.parametrize(("concurrency", "sleep"), [(20, 0.0), (500, 0.02)], ids=["busy", "waiting"])
def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path: Path, concurrency: int, sleep: float) -> None:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=5000k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small file system to fill")
    try:
        store = place / "t.db"
        big = Walk(size=8000)
        with pytest.raises(
            turnwise.RunStopped, match=r"(disk is full|disk I/O error|full).*turnwise resume"
        ) as caught:
            turnwise.run(big, Walker(sleep=sleep), store=store, concurrency=concurrency)
        assert "\n" not in str(caught.value)
        subprocess.run(["mount", "-o", "remount,size=80m", str(place)], check=True)
        before = {row.number for row in turnwise.open_run(store=store).episodes() if row.stop}
        walker = Walker()
        run = turnwise.resume("last", store=store, environment=big, agents={"agent": walker})
        assert run.summary()["episodes"] == 8000
        assert before
        assert not {int(task[1:]) for task, _ in walker.asked} & before
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_changed_task_set_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    run = turnwise.run(Walk(), Walker(), store=store)
    with pytest.raises(TaskError, match=r"changed since it began \(10 tasks.*now 11"):
        turnwise.resume(run.id, store=store, environment=Walk(size=11), agents={"agent": Walker()})
    assert run.refresh().row.status == "done"


def test_bad_stores(tmp_path: Path) -> None:
    newer = tmp_path / "newer.db"
    turnwise.Store(newer).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE turnwise SET value = '99'")
    with pytest.raises(StoreError, match=r"written by a newer Turnwise \(tables 99, this one knows 1\)"):
        turnwise.Store(newer)
    text = tmp_path / "text.db"
    text.write_text("this is no database, but it is long enough to look like a file " * 20)
    with pytest.raises(StoreError, match="not a database"):
        turnwise.Store(text)
    with pytest.raises(StoreError, match="there is no store at"):
        turnwise.Store(tmp_path / "none.db", create=False)
    with pytest.raises(StoreError, match="unable to open"):
        turnwise.Store(tmp_path / "no" / "folder.db")
    with pytest.raises(StoreError, match="expected a path or postgresql"):
        turnwise.Store("mysql://host/name")


def test_runs_are_found_by_their_beginning(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    one = turnwise.run(Walk(size=1), Walker(), store=store)
    other = turnwise.run(Walk(size=1), Walker(), store=store)
    assert turnwise.open_run(one.id[:-1], store=store).id == one.id
    assert turnwise.open_run("last", store=store).id == other.id
    with pytest.raises(StoreError, match=r"has no run 'walk-xxx'"):
        turnwise.open_run("walk-xxx", store=store)
    with pytest.raises(StoreError, match="could be any of"):
        turnwise.open_run("walk", store=store)


def test_several_processes_write_to_one_store(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    code = (
        "import sys, turnwise\n"
        "run = turnwise.run('number_guess', 'random', store=sys.argv[1], seed=int(sys.argv[2]), epochs=3)\n"
        "print(run.id)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(store), str(seed)], stdout=subprocess.PIPE)
        for seed in range(4)
    ]
    ids = [process.communicate(timeout=120)[0].decode().strip() for process in processes]
    for seed, name in enumerate(ids):
        run = turnwise.open_run(name, store=store)
        assert run.summary()["episodes"] == 300
        alone = turnwise.run("number_guess", "random", store=tmp_path / f"{seed}.db", seed=seed, epochs=3)
        assert [log.to_json() for log in run.logs()] == [log.to_json() for log in alone.logs()]


def test_what_cannot_be_used_is_said_before_anything_starts(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    for options, said in [
        ({"environment": "number_gess"}, r"unknown environment 'number_gess' \(did you mean 'number_guess'"),
        (
            {"environment": "number_guess"},
            r"nobody fills the role 'agent': give --agent NAME \(e.g. solver, random",
        ),
        (
            {"environment": "number_guess", "agent": "slover"},
            r"unknown agent 'slover'.*did you mean 'solver'",
        ),
        (
            {"environment": "number_guess", "agent": "solver", "settings": {"hig": 3}},
            r"no setting 'hig'.*'high'",
        ),
        ({"environment": "number_guess", "agent": "solver", "settings": {"high": "x"}}, r"setting 'high' of"),
        (
            {"environment": "number_guess", "agent": "solver", "epochs": 0},
            r"epochs: expected at least 1, got 0",
        ),
        (
            {"environment": "number_guess", "agent": "solver", "epoch": 1},
            r"epoch: unknown key \(did you mean 'epochs'",
        ),
        (
            {"environment": "number_guess", "agent": "solver", "limits": {"turn": 1}},
            r"turn.*did you mean 'turns'",
        ),
        (
            {"environment": "number_guess", "agents": {"agnt": "solver"}},
            r"no role 'agnt' \(did you mean 'agent'",
        ),
        ({"environment": "nowhere.py:X", "agent": "solver"}, "there is no file nowhere.py"),
    ]:
        with pytest.raises(ConfigError, match=said) as caught:
            turnwise.run(options.pop("environment"), store=store, **options)
        assert "\n" not in str(caught.value)
    assert not store.exists() or not turnwise.runs(store)


def test_a_run_that_is_cancelled_while_its_episodes_begin_can_be_resumed(tmp_path: Path) -> None:
    store, big = tmp_path / "t.db", Walk(size=2000)

    class Early(Walker):
        """Tells when some were asked for."""

        def __init__(self) -> None:
            super().__init__(sleep=5.0)
            self.some = asyncio.Event()

        async def sample(self, request: Request) -> Sample:
            if len(self.asked) == 50:
                self.some.set()
            return await super().sample(request)

    async def begin() -> None:
        walker = Early()
        running = asyncio.create_task(turnwise.run_async(big, walker, store=store, concurrency=2000))
        await walker.some.wait()
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(begin())
    run = turnwise.open_run(store=store)
    assert run.row.status == "stopped"
    assert len(run.episodes()) >= 50
    done = turnwise.resume(run.id, store=store, environment=big, agents={"agent": Walker()})
    assert done.summary()["episodes"] == 2000


@pytest.mark.parametrize("sleep", [0.0, 0.05], ids=["busy", "waiting"])
def test_half_a_character_in_a_detail_loses_no_episode(tmp_path: Path, sleep: float) -> None:
    class Odd(Walk, frozen=True, kw_only=True):
        async def run(self, task: Task, episode: Episode) -> None:
            await episode.agent.respond("hello")
            if task.id == "t3":
                episode.detail = "half \ud83d"

    run = turnwise.run(Odd(size=300), Walker(sleep=sleep), store=tmp_path / "t.db", concurrency=300)
    assert (run.row.status, run.summary()["episodes"]) == ("done", 300)
    assert run.episode(3).detail == "half \ufffd"


@pytest.mark.parametrize("sleep", [0.0, 0.05], ids=["busy", "waiting"])
def test_what_no_database_takes_stops_the_run_in_one_line(tmp_path: Path, sleep: float) -> None:
    class Vast(Walker):
        async def sample(self, request: Request) -> Sample:
            sample = await super().sample(request)
            vast = Usage(input=2**63) if request.task.id == "t3" else None
            return Sample(message=sample.message, usage=vast)

    vast = Vast(sleep=sleep)
    with pytest.raises(turnwise.RunStopped, match="the store cannot write this: OverflowError") as caught:
        turnwise.run(Walk(size=300), vast, store=tmp_path / "t.db", concurrency=300)
    assert "\n" not in str(caught.value)
    assert caught.value.run.row.status == "stopped"
