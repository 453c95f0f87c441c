"""A real process, killed at random moments and resumed each time, ends as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import turnwise
from turnwise.errors import StoreError

SCRIPT = Path(__file__).with_name("durable_run.py")
KILLS = 22


class Counting:
    """A model server outside the process that is killed: counts what it is asked, and answers by content."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str, int]] = Counter()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                asked = json.loads(data)
                outer.asked[asked["task"], asked["role"], asked["n"]] += 1
                answer = hashlib.sha256(data).hexdigest()[:12].encode()
                try:
                    self.send_response(200)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@contextmanager
def counting() -> Iterator[Counting]:
    made = Counting()
    threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


def start(store: Path, url: str, what: str, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(SCRIPT), str(store), url, what, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def logs(store: Path) -> list[bytes]:
    run = turnwise.open_run(store=store)
    return [log.to_json() for log in run.logs()]


def recorded(store: Path) -> set[tuple[str, str, int]]:
    """Which calls the store holds."""
    if not store.exists():
        return set()
    try:
        run = turnwise.open_run(store=store)
    except StoreError:
        return set()
    return {(str(log.task["id"]), call.role, call.n) for log in run.logs() for call in log.calls}


def test_killed_again_and_again_it_ends_as_an_uninterrupted_run(tmp_path: Path) -> None:
    rng = random.Random(7)
    with counting() as server:
        whole = start(tmp_path / "whole.db", server.url, "start")
        assert whole.wait(120) == 0, whole.stderr.read() if whole.stderr else b""
        once = dict(server.asked)
        assert set(once.values()) == {1}
        server.asked.clear()

        store = tmp_path / "killed.db"
        process = start(store, server.url, "start")
        kills, known, repeated = 0, set[tuple[str, str, int]](), 0
        while True:
            # The first kill waits until there is a run to resume.
            deadline = time.monotonic() + 60
            before = Counter(server.asked)
            while sum(server.asked.values()) == sum(before.values()) and process.poll() is None:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            if kills < KILLS:
                time.sleep(rng.random() * 0.08)
                process.send_signal(signal.SIGKILL)
                kills += 1
            code = process.wait(120)
            repeated += sum((server.asked - before)[call] for call in known)
            if code == 0:
                break
            assert code == -signal.SIGKILL, process.stderr.read() if process.stderr else b""
            known = recorded(store)
            process = start(store, server.url, "resume")
    assert kills >= 20
    assert repeated == 0
    assert logs(store) == logs(tmp_path / "whole.db")


def test_ctrl_c_stores_all_and_says_how_to_go_on(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    with counting() as server:
        process = start(store, server.url, "start", "2")
        while len(server.asked) < 10:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said, trouble = process.communicate(timeout=60)
        assert process.returncode == 130, trouble
        run = turnwise.open_run(store=store)
        assert f"turnwise resume {run.id}" in said.decode()
        assert run.row.status == "stopped"
        assert run.row.owner is None
        known = recorded(store)
        before = Counter(server.asked)
        process = start(store, server.url, "resume")
        assert process.wait(120) == 0
        assert sum((server.asked - before)[call] for call in known) == 0
    assert run.refresh().row.status == "done"
    assert run.summary()["episodes"] == 24


def test_two_processes_do_not_resume_one_run(tmp_path: Path) -> None:
    store = tmp_path / "t.db"
    with counting() as server:
        process = start(store, server.url, "start", "1")
        while len(server.asked) < 3:
            time.sleep(0.01)
        with pytest.raises(StoreError, match=rf"is being worked on by process {process.pid} on "):
            turnwise.resume("last", store=store)
        process.kill()
        process.wait()
