"""The same store on a real PostgreSQL server, started for these tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import turnwise
from postgres_server import postgres_server
from turnwise.errors import StoreError

pytest.importorskip("psycopg", reason="psycopg is not installed; get it by: pip install 'turnwise[postgres]'")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def test_runs_are_the_same_as_in_sqlite(server: str, tmp_path: Path) -> None:
    there = turnwise.run("number_guess", "random", store=server, epochs=2, seed=3)
    here = turnwise.run("number_guess", "random", store=tmp_path / "t.db", epochs=2, seed=3)
    assert [log.to_json() for log in there.logs()] == [log.to_json() for log in here.logs()]
    ours, theirs = here.summary(), there.summary()
    # How long calls took is nobody's to repeat.
    assert {**theirs, "run": "", "latency": ""} == {**ours, "run": "", "latency": ""}
    assert [row.turns for row in there.episodes()] == [row.turns for row in here.episodes()]
    assert turnwise.replay(there.id, store=server).replayed == 200
    fork = turnwise.fork(f"{there.id}/3", 4, store=server, count=2)
    assert fork.episode(1).turns[:4] == there.episode(3).turns[:4]
    assert turnwise.resume(there.id, store=server).summary()["episodes"] == 200
    assert turnwise.open_run(there.id[:-2], store=server).id == there.id


def test_several_processes_write_at_once(server: str) -> None:
    code = (
        "import sys, turnwise\n"
        "print(turnwise.run('number_guess', 'solver', store=sys.argv[1], seed=int(sys.argv[2])).id)"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, server, str(seed)], stdout=subprocess.PIPE)
        for seed in range(3)
    ]
    for process in processes:
        name = process.communicate(timeout=120)[0].decode().strip()
        summary = turnwise.open_run(name, store=server).summary()
        assert (summary["episodes"], summary["score"]["mean"]) == (100, 1.0)


def test_a_server_that_is_not_there_is_one_line_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot open") as caught:
        turnwise.Store("postgresql://me:hidden@127.0.0.1:1/none")
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)
