"""What users, servers and machines do wrong: each is one line and exit code 2, and nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from terminal import COMMAND, last_json, ok, refused, turn

import turnwise
from endpoint import Endpoint, closed_port, completion

KEY = "sk-of-a-test"
SLOW = """
import asyncio
from turnwise import Environment, Task

class Slow(Environment, frozen=True, kw_only=True):
    def tasks(self):
        return [Task(id=str(number)) for number in range(3)]

    async def run(self, task, episode):
        await episode.agent.respond("go")
        await episode.effect("rest", lambda: asyncio.sleep(60))

def agent(messages):
    return "gone"
"""


def asking(server: str, *more: str) -> list[str]:
    """A run of three episodes that asks a server."""
    words = ["run", "number_guess", "-a", "openai/tiny", "-m", f"base_url={server}", "-n", "3", "-q"]
    return [*words, "--attempts", "2", *more]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "<!doctype html><title>Log in</title><p>Who are you?"), "no JSON: an HTML page (Log in)"),
        ((502, "<html><title>Bad Gateway</title></html>"), "answered 502: an HTML page (Bad Gateway)"),
        ("truncated", 'no JSON: {"choices": [{"message": {"role": "assis'),
        ((200, ""), "no JSON: nothing"),
        ((200, []), "no message: []"),
        ((200, {"choices": []}), "no message: {'choices': []}"),
        ((200, completion(None)), "no message: "),
        ((200, b'{"choices": "\xff"}'), "no JSON: "),
        ("endless", "more than 64 MiB: an endless reply"),
        ("reset", "cannot reach http://127.0.0.1"),
        ((401, {"error": {"message": f"bad key {KEY}"}}), "answered 401: bad key [key]"),
    ],
)
def test_a_server_that_cannot_answer_stops_the_run_and_a_better_one_finishes_it(
    folder: Path, answer: Any, said: str
) -> None:
    with Endpoint(answer) as bad:
        port = int(bad.root.rpartition(":")[2])
        line = refused(*asking(bad.url), OPENAI_API_KEY=KEY)
    assert said in line
    assert KEY not in line
    (row,) = last_json("ls")
    assert row["status"] == "stopped"
    assert f"turnwise resume {row['run']}" in line
    with Endpoint((200, completion("50")), port=port):
        done = last_json("resume", "-q", OPENAI_API_KEY=KEY)
    assert (done["status"], done["episodes"], done["failed"]) == ("done", 3, 0)


def test_an_endpoint_that_is_not_there(folder: Path) -> None:
    line = refused(*asking(f"http://127.0.0.1:{closed_port()}/v1"), OPENAI_API_KEY=KEY)
    assert "gave up after 2 attempts" in line
    assert "cannot reach http://127.0.0.1" in line


def test_a_server_that_breaks_down_on_the_way_costs_no_turn_twice(folder: Path) -> None:
    good, bad = (200, completion("50")), (200, "<html><title>Down</title></html>")
    with Endpoint(*[good] * 8, bad) as server:
        port = int(server.root.rpartition(":")[2])
        assert "every episode failed, see: turnwise show" in refused(*asking(server.url), OPENAI_API_KEY=KEY)
    before = [log.calls for log in turnwise.open_run(store="turnwise.db").logs()]
    answered = sum(call.error is None for calls in before for call in calls)
    assert answered == 8
    assert "3 x ModelError: openai/tiny: gave up after 2 attempts" in ok("show")
    with Endpoint(good, port=port) as server:
        done = last_json("resume", "-q", OPENAI_API_KEY=KEY)
        assert len(server.asked) == 3 * 10 - answered
    assert done["failed"] == 0


def test_an_empty_reply_is_a_turn_like_any_other(folder: Path) -> None:
    with Endpoint((200, completion(""))) as server:
        done = last_json(*asking(server.url), OPENAI_API_KEY=KEY)
    assert (done["failed"], done["score"]["mean"]) == (0, 0.0)
    assert turnwise.open_run(store="turnwise.db").episode(0).turns[1].text == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.jsonl", b'{"id": "a"}\n{"id": "a"}\n', "t.jsonl:2: field 'id': 'a' stands in t.jsonl:1 too"),
        ("t.jsonl", b'{"id": true}\n', "t.jsonl:1: field 'id': expected `str`, got `bool`"),
        ("t.jsonl", b'{"id": "a\\u0000b"}\n', "t.jsonl:1: field 'id': expected printable characters"),
        ("t.jsonl", b'{"id": "a"}\n\n[1]\n', "t.jsonl:3: expected a JSON object, got list"),
        ("t.jsonl", b'{"id": "a"}\n{"id"\n', "t.jsonl:2: not JSON"),
        ("t.jsonl", b"[" * 100_000, "t.jsonl:1: not JSON"),
        ("t.jsonl", b'{"id": "\xff"}\n', "t.jsonl:1: not JSON"),
        ("t.jsonl", b"\n", "no task to play"),
        ("t.parquet", b"no parquet", "cannot read the task file t.parquet"),
    ],
)
def test_a_malformed_task_row_is_told_by_file_line_and_field(
    folder: Path, name: str, content: bytes, said: str
) -> None:
    (folder / name).write_bytes(content)
    assert said in refused("run", "number_guess", "-a", "solver", "--tasks", name)
    assert last_json("ls") == []


def test_a_store_of_a_newer_version_is_refused_by_every_command_and_left_as_it_is(folder: Path) -> None:
    ok("run", "number_guess", "-a", "solver", "-n", "2", "-q")
    with sqlite3.connect("turnwise.db") as connection:
        connection.execute("UPDATE turnwise SET value = '99'")
    connection.close()
    before = (folder / "turnwise.db").read_bytes()
    for words in (
        ["run", "number_guess", "-a", "solver"],
        ["ls"],
        ["show"],
        ["compare", "last", "last"],
        ["resume"],
        ["fork", "last/0", "--at", "1"],
        ["replay"],
        ["export", "last", "-o", "x.jsonl"],
        ["plot", "last"],
    ):
        assert "written by a newer Turnwise (tables 99, this one knows 1): update" in refused(*words), words
    assert (folder / "turnwise.db").read_bytes() == before
    assert "newer Turnwise" in ok("doctor", "--quick")


def test_a_full_disk_stops_the_run_and_room_finishes_it(folder: Path) -> None:
    place = folder / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small file system to fill")
    where = ("--store", str(place / "t.db"))
    try:
        line = refused("run", "number_guess", "-a", "random", "-e", "20", "--concurrency", "20", "-q", *where)
        assert "full" in line
        assert "all that was written before is kept, go on with: turnwise resume" in line
        assert last_json("ls", *where)[0]["status"] == "stopped"
        ok("export", "last", "-o", str(folder / "x.jsonl"), *where)
        with pytest.raises(OSError, match="No space"):
            (place / "filler").write_bytes(bytes(2_000_000))
        assert "No space left on device" in refused("plot", "last", "-o", f"{place}/x.png", *where)
        subprocess.run(["mount", "-o", "remount,size=40m", str(place)], check=True)
        done = last_json("resume", "-q", *where)
        assert (done["status"], done["episodes"], done["failed"]) == ("done", 2000, 0)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_under_the_output_is_one_line(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    ok("run", "number_guess", "-a", "solver", "-n", "2", "-q")
    for words in (["show"], ["ls", "--json"], ["envs"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run([*COMMAND, *words], stdout=full, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 2, words
        assert done.stderr.decode().count("\n") == 1
        assert b"No space left on device" in done.stderr


def test_a_closed_output_is_no_error_of_ours(folder: Path) -> None:
    ok("run", "number_guess", "-a", "solver", "-n", "2", "-q")
    for words in (["show"], ["ls", "--json"], ["show", "last/0"], ["envs"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run([*COMMAND, *words], stdout=writing, stderr=subprocess.PIPE, check=False)
        os.close(writing)
        assert done.stderr == b"", words
    closed = " ".join(f"'{word}'" for word in [*COMMAND, "ls"]) + " >&- 2>&-"
    assert subprocess.run(closed, shell=True, check=False).returncode == 0


def test_a_run_belongs_to_one_process_until_that_is_gone(folder: Path) -> None:
    (folder / "slow.py").write_text(SLOW)
    first = subprocess.Popen([*COMMAND, "run", "slow.py:Slow", "-a", "slow.py:agent", "-q"])
    deadline = time.monotonic() + 60
    while not (folder / "turnwise.db").exists() or not last_json("ls"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert f"is being worked on by process {first.pid} on " in refused("resume", "-q")
    assert last_json("ls")[0]["status"] == "running"
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert last_json("ls")[0]["status"] == "stopped"
    _every_command_reads_a_run_of_which_nothing_ended()


def _every_command_reads_a_run_of_which_nothing_ended() -> None:
    assert "0 of 3" in ok("show")
    assert last_json("show")["score"]["mean"] is None
    assert "not ended" in ok("show", "last/0")
    assert last_json("replay") == {"replayed": 0, "diverged": 0}
    assert "has not ended: turnwise resume" in refused("replay", "last/0")
    assert "nothing to compare" in refused("compare", "last", "last")
    assert last_json("export", "last", "-o", "x.jsonl")["episodes"] == 3
    ok("plot", "last", "-o", "x.svg")


def test_a_task_set_that_changed_is_refused_and_the_run_left_as_it_is(folder: Path) -> None:
    tasks = folder / "tasks.jsonl"
    tasks.write_text('{"id": "a"}\n{"id": "b"}\n')
    before = last_json("run", "number_guess", "-a", "solver", "--tasks", "tasks.jsonl", "-q")
    tasks.write_text('{"id": "a"}\n{"id": "c"}\n')
    assert "task set 'tasks' changed since it began (2 tasks, hash " in refused("resume", "-q")
    assert before.items() <= last_json("show").items()
    tasks.unlink()
    assert "cannot read the task file" in refused("resume", "-q")
    assert before.items() <= last_json("show").items()


FOREIGN = """
from turnwise import Environment, Task

class Broken(Environment, frozen=True, kw_only=True):
    def tasks(self):
        raise RuntimeError("no tasks today")

    async def run(self, task, episode):
        await episode.agent.respond("hello")

class Needs(Environment, frozen=True, kw_only=True):
    size: int

    async def run(self, task, episode):
        raise ValueError("first line\\nsecond line \\x1b[2J")

class Odd(Environment, frozen=True, kw_only=True):
    def agents(self):
        return {"solver": 5}

    async def run(self, task, episode):
        await episode.agent.respond("hello")

def factory():
    raise RuntimeError("no agent today")

def hello(messages):
    return "hello"

five = 5
two = ["50", "25"]
"""


@pytest.mark.parametrize(
    ("environment", "agent", "said"),
    [
        (
            "f.py:Broken",
            "f.py:hello",
            "tasks of environment 'broken' cannot be made: {}:6: RuntimeError: no ta",
        ),
        ("f.py:Needs", "f.py:hello", "environment 'needs' needs the setting 'size': give --set size=VALUE"),
        ("f.py:Odd", "solver", "agent 'solver': expected an Agent, a Model"),
        ("f.py:five", "f.py:hello", "'f.py:five' is no environment: expected a subclass of Environment"),
        ("f.py:hello", "f.py:hello", "'f.py:hello' is no environment"),
        ("f.py:Need", "f.py:hello", "did you mean 'Needs'"),
        (
            "number_guess",
            "f.py:factory",
            "agent 'f.py:factory' cannot be made: {}:25: RuntimeError: no agent",
        ),
        ("number_guess", "f.py:five", "agent 'f.py:five': expected an Agent, a Model"),
        ("number_guess", "f.py:two", "every episode failed"),
    ],
)
def test_code_of_others_that_is_broken(folder: Path, environment: str, agent: str, said: str) -> None:
    (folder / "f.py").write_text(FOREIGN)
    assert said.format(folder / "f.py") in refused("run", environment, "-a", agent, "-n", "2", "-q")


def test_a_run_that_failed_can_be_read(folder: Path) -> None:
    (folder / "f.py").write_text(FOREIGN)
    done = turn("run", "f.py:Needs", "-a", "f.py:hello", "--set", "size=1", "-q", "--json")
    assert done.returncode == 2
    assert '"failed":1' in done.stdout
    assert "1 x ValueError: first line" in ok("show")
    text = ok("show", "last/0")
    assert "ValueError: first line\nsecond line \N{REPLACEMENT CHARACTER}[2J" in text
    assert "Traceback" not in text
    assert "Traceback" in ok("show", "last/0", "--full")
    assert last_json("replay") == {"replayed": 1, "diverged": 0}
    ok("plot", "last", "--kind", "cost", "-o", "x.png")
    assert last_json("export", "last", "-o", "x.parquet")["episodes"] == 1


def test_lines_are_said_one_by_one(folder: Path) -> None:
    (folder / "f.py").write_text(FOREIGN)
    turn("run", "number_guess", "-a", "f.py:two", "-n", "1", "-q")
    log = turnwise.open_run(store="turnwise.db").episode(0)
    assert [said.text for said in log.turns if said.role == "agent"] == ["50", "25"]
    assert log.error is not None
    assert "the script has nothing more to say" in log.error.message


def test_flags_and_places_that_cannot_be(folder: Path) -> None:
    run = last_json("run", "number_guess", "-a", "solver", "-n", "2", "-q")["run"]
    huge = "9" * 30
    (folder / "kept").mkdir()
    (folder / "kept" / "README.md").write_text("of somebody else")
    solver = ["run", "number_guess", "-a", "solver"]
    for words, said in [
        ([*solver, "--max-turns", "0"], "limits.turns: expected at least 1, got 0"),
        ([*solver, "--max-seconds", "nan"], "limits.seconds: expected at least 0, got nan"),
        (
            [*solver, "--temperature", "nan"],
            "agents.agent.sampling.temperature: expected at least 0, got nan",
        ),
        ([*solver, "--max-sample", "0"], "agents.agent.sampling.max_tokens: expected at least 1, got 0"),
        (["show", f"{run}/{huge}"], f"has no episode {huge}: it has 0 to 1"),
        (["show", run, huge], f"has no episode {huge}: it has 0 to 1"),
        (["fork", f"{run}/{huge}", "--at", "0"], f"has no episode {huge}"),
        (["fork", f"{run}/0", "--at", huge], f"cannot fork at turn {huge}"),
        (["show", "nothing"], "has no run 'nothing'"),
        (["resume", run, "--concurrency", "0"], "concurrency: expected at least 1, got 0"),
        (["export", run, "-o", "x.csv"], "--to x.csv: expected .jsonl, .parquet or a folder"),
        (["export", run, "-o", ".", "-f", "jsonl"], "it is a folder; expected a file"),
        (["export", run, "-o", ".", "-f", "parquet"], "it is a folder; expected a file"),
        (["export", run, "-o", "kept"], "cannot write kept: it holds other files"),
        (["plot", run, "-o", "picture"], "cannot write 'picture': expected a name that ends in .png"),
        (["plot", run, "-o", "no/x.png"], "cannot write no/x.png"),
    ]:
        assert said in refused(*words), words
    assert (folder / "kept" / "README.md").read_text() == "of somebody else"
    assert [row["run"] for row in last_json("ls")] == [run]
    for _ in range(2):
        ok("export", run, "-o", "mine")


def test_an_export_to_a_pipe_goes_into_the_pipe(folder: Path) -> None:
    ok("run", "number_guess", "-a", "solver", "-n", "2", "-q")
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen([*COMMAND, "export", "last", "-o", "pipe", "-f", "jsonl"]):
        assert pipe.read_bytes().count(b"\n") == 2
    assert pipe.is_fifo()


def test_the_store_is_one_file_when_the_command_has_ended(folder: Path) -> None:
    run = last_json("run", "number_guess", "-a", "solver", "-n", "2", "-q")["run"]
    (folder / "elsewhere.db").write_bytes((folder / "turnwise.db").read_bytes())
    assert [row["run"] for row in last_json("ls", "--store", "elsewhere.db")] == [run]
    assert last_json("replay", "last", "--store", "elsewhere.db") == {"replayed": 2, "diverged": 0}


@pytest.mark.parametrize("words", [["ls"], ["show"], ["show", "last/0"], ["envs"], ["doctor", "--quick"]])
def test_a_narrow_terminal_loses_no_name_and_folds_no_number(folder: Path, words: list[str]) -> None:
    run = last_json("run", "number_guess", "-a", "solver", "-n", "2", "-q")["run"]
    lines = ok(*words, COLUMNS="40").splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 40
    if words[0] in ("ls", "show"):
        assert any(line.startswith(run) for line in lines)
    wide = ok(*words, COLUMNS="")
    assert "…" not in wide
    if words == ["ls"]:
        assert lines[1].split() == [run, "2/2", "1"]


def test_nothing_is_coloured_where_no_colour_is_wanted(folder: Path) -> None:
    ok("run", "number_guess", "-a", "solver", "-n", "2", "-q")
    assert "\x1b[" in ok("show", FORCE_COLOR="1")
    for name in ("\x1b[3", "\x1b[9"):
        assert name not in ok("show", "last/0", FORCE_COLOR="1", NO_COLOR="1")
