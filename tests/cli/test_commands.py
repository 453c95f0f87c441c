"""The commands, each in its usual use and refused where it cannot be used."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest
from terminal import last_json, ok, refused, turn

import turnwise
from turnwise.catalogue import catalogue
from turnwise.log import EpisodeLog
from turnwise.tools.sandbox import detect

SYSTEMS = [(name, line) for name, system in catalogue().items() for line in system.run]


@pytest.fixture
def run(folder: Path) -> str:
    return last_json("run", "number_guess", "--agent", "solver", "--limit", "10", "-q")["run"]


def test_run_says_how_it_went(folder: Path) -> None:
    summary = last_json("run", "number_guess", "--agent", "solver", "--limit", "10", "--epochs", "2")
    assert summary["episodes"] == 20
    assert summary["failed"] == 0
    assert summary["score"]["mean"] == 1.0
    assert 0 < summary["score"]["low"] < 1
    assert summary["turns"] > 20
    shown = turn("run", "number_guess", "-a", "random", "-n", "5")
    assert "score" in shown.stdout
    assert "5/5 done, 0 running, 0 failed" in shown.stderr
    quiet = turn("run", "number_guess", "-a", "random", "-n", "5", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_a_config_file_and_flags_on_top(folder: Path) -> None:
    (folder / "run.toml").write_text(
        'environment = "number_guess"\nlimit = 3\nseed = 4\n'
        '[settings]\nhigh = 7\n[agents]\nagent = "random"\n'
    )
    first = last_json("run", "-c", "run.toml", "-q")
    config = turnwise.open_run(first["run"]).config
    assert (first["episodes"], config.seed, config.settings) == (3, 4, {"high": 7})
    other = last_json("run", "-c", "run.toml", "-q", "-a", "solver", "-n", "4", "--set", "high=3")
    assert (other["episodes"], other["score"]["mean"]) == (4, 1.0)
    row = turnwise.open_run(first["run"]).row
    assert row.provenance["versions"]["turnwise"] == turnwise.__version__
    assert row.provenance["tasks"]["count"] == 3


def test_ls_show_and_transcripts(run: str) -> None:
    assert run in ok("ls")
    assert last_json("ls")[0]["run"] == run
    assert "stop" in ok("show", run)
    assert f"{run}/9" in ok("show", "last")
    text = ok("show", f"{run}/3")
    assert "environment" in text
    assert "I think of a whole number" in text
    assert "correct 1" in text
    assert ok("show", run, "3") == text
    log = EpisodeLog.from_json(ok("show", run, "3", "--json"))
    assert log.to_json() == turnwise.open_run(run).episode(3).to_json()
    assert "[call 0: nothing + turn 0]" in ok("show", run, "3", "--full")


def test_epochs_show_what_several_tries_give(folder: Path) -> None:
    run = last_json("run", "number_guess", "-a", "random", "-n", "20", "-e", "4", "-q", "--set", "high=20")[
        "run"
    ]
    rows = turnwise.open_run(run).store.scores(1)
    solved = {task: sum(s or 0 for t, s in zip(*rows, strict=True) if t == task) for task in rows[0]}
    text = ok("show", run)
    assert f"pass@4    {sum(count > 0 for count in solved.values()) / 20:.3f}" in text
    assert f"pass^4    {sum(count == 4 for count in solved.values()) / 20:.3f}" in text


def test_compare(run: str) -> None:
    other = last_json("run", "number_guess", "--agent", "random", "--limit", "10", "-q")["run"]
    found = last_json("compare", other, run)
    assert (found["tasks"], found["mean_b"]) == (10, 1.0)
    assert found["difference"]["mean"] == pytest.approx(found["mean_b"] - found["mean_a"])
    assert 0 <= found["p"] <= 1
    assert "permutation" in ok("compare", other, run)


def test_fork_replay_and_resume(run: str) -> None:
    before = turnwise.open_run(run).episode(3).to_json()
    fork = last_json("fork", f"{run}/3", "--at", "4", "--agent", "random", "-n", "2", "-q")
    assert fork["episodes"] == 2
    child = turnwise.open_run(fork["run"])
    assert child.row.parent == f"{run}/3@4"
    original = turnwise.open_run(run).episode(3)
    for number in range(2):
        assert child.episode(number).turns[:4] == original.turns[:4]
    assert original.to_json() == before
    assert last_json("replay", run) == {"replayed": 10, "diverged": 0}
    assert last_json("replay", fork["run"]) == {"replayed": 2, "diverged": 0}
    assert last_json("replay", f"{run}/3") == {"replayed": 1, "diverged": 0}
    said = last_json("fork", f"{run}/3", "--at", "1", "--says", "99", "-q")
    assert turnwise.open_run(said["run"]).episode(0).turns[1].text == "99"
    assert last_json("resume", run, "-q")["episodes"] == 10


def test_export_in_all_forms(run: str, folder: Path) -> None:
    import pyarrow.parquet as pq

    assert last_json("export", run, "--to", "a.jsonl")["episodes"] == 10
    logs = [EpisodeLog.from_json(line) for line in (folder / "a.jsonl").read_bytes().splitlines()]
    assert [log.to_json() for log in logs] == [log.to_json() for log in turnwise.open_run(run).logs()]
    ok("export", run, "--to", "a.parquet")
    rows = pq.read_table(folder / "a.parquet").to_pylist()
    assert len(rows) == 10
    assert rows[0]["messages"][0]["role"] == "user"
    assert EpisodeLog.from_json(rows[3]["log"]).to_json() == logs[3].to_json()
    ok("export", run, "--to", "set")
    assert (folder / "set" / "README.md").read_text().startswith("---\nconfigs:")
    assert pq.read_table(folder / "set" / "data").num_rows == 10


def test_the_frame_has_a_row_an_episode(run: str) -> None:
    frame = turnwise.open_run(run).frame()
    assert len(frame) == 10
    assert frame["score"].mean() == 1.0
    assert (frame["metric.guesses"] >= 1).all()


@pytest.mark.parametrize("kind", ["turns", "cost"])
@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_plots_are_pictures(run: str, folder: Path, kind: str, ending: str, start: bytes) -> None:
    ok("plot", run, "--kind", kind, "--to", f"p.{ending}")
    assert (folder / f"p.{ending}").read_bytes().startswith(start)


def test_envs_systems_and_doctor(folder: Path) -> None:
    names = [one["name"] for one in last_json("envs")]
    assert {"mint", "mt_eval", "number_guess", "twenty_questions", "wilt"} <= set(names)
    assert "max_turns" in ok("envs", "number_guess")
    assert [one["name"] for one in last_json("systems")] == list(catalogue())
    assert [one["name"] for one in last_json("systems", "--tag", "expansion")] == ["mt_eval"]
    assert "arXiv" in ok("systems", "wilt")
    found = {one["name"]: one for one in last_json("doctor")}
    assert found["turnwise"]["what"] == turnwise.__version__
    assert found["OPENAI_API_KEY"]["ok"] is False
    assert "sandbox bwrap" in found


def test_keys_are_never_printed(folder: Path) -> None:
    assert "sk-secret" not in ok("doctor", "--json", OPENAI_API_KEY="sk-secret")


def test_playing_oneself(folder: Path) -> None:
    guesses = "\n".join(str(number) for number in range(1, 8)) + "\n"
    done = turn("play", "number_guess", "--set", "high=7", stdin=guesses)
    assert done.returncode == 0, done.stderr
    assert "I think of a whole number from 1 to 7" in done.stderr
    assert "score: 1" in done.stdout
    left = turn("play", "number_guess", stdin="50\n")
    assert "the person left" in left.stdout + left.stderr


@pytest.mark.parametrize(("name", "line"), SYSTEMS)
def test_every_command_of_the_catalogue_runs(name: str, line: str, folder: Path) -> None:
    if name in ("mint", "codeact") and not detect()[0].works:
        pytest.skip("bubblewrap does not work here; get it by: apt-get install bubblewrap")
    summary = last_json(*shlex.split(line), "-q")
    assert summary["episodes"] > 0
    assert summary["failed"] == 0


def test_bad_input_is_one_line_and_exit_code_2(folder: Path, run: str) -> None:
    (folder / "bad.jsonl").write_text('{"id": "a"}\n{"id": 3, "meta": 5}\n')
    (folder / "extra.jsonl").write_text('{"id": "a", "promt": "x"}\n')
    (folder / "bad.toml").write_text('environment = "number_guess"\n\nepochs = "two"\n')
    (folder / "odd.toml").write_text('environment = "number_guess"\n[limits]\nturn = 3\n')
    (folder / "no.toml").write_text("environment = \n")
    for words, said in [
        (
            ["run", "number_gess", "-a", "solver"],
            "unknown environment 'number_gess' (did you mean 'number_guess'?)",
        ),
        (["run", "number_guess"], "nobody fills the role 'agent'"),
        (["run", "number_guess", "-a", "openai/gpt"], "set OPENAI_API_KEY"),
        (["run", "number_guess", "-a", "solver", "--tasks", "bad.jsonl"], "bad.jsonl:2: field 'meta'"),
        (
            ["run", "number_guess", "-a", "solver", "--tasks", "extra.jsonl"],
            "extra.jsonl:1: unknown field 'promt'",
        ),
        (
            ["run", "number_guess", "-a", "solver", "--tasks", "no.jsonl"],
            "cannot read the task file no.jsonl",
        ),
        (["run", "number_guess", "-a", "solver", "--task", "999"], "has no task '999'"),
        (["run", "number_guess", "-a", "solver", "--set", "high"], "expected KEY=VALUE"),
        (["run", "-c", "bad.toml", "-a", "solver"], "bad.toml:3: epochs: expected `int`, got `str`"),
        (
            ["run", "-c", "odd.toml", "-a", "solver"],
            "odd.toml:3: limits.turn: unknown key (did you mean 'turns'?)",
        ),
        (["run", "-c", "no.toml", "-a", "solver"], "no.toml: not TOML"),
        (["run", "-c", "none.toml"], "cannot read the config none.toml"),
        (["show", "nothing"], "has no run 'nothing'"),
        (["show", f"{run}/99"], "has no episode 99: it has 0 to 9"),
        (["fork", f"{run}/0", "--at", "99"], "cannot fork at turn 99: the episode has turns 0 to"),
        (["fork", f"{run}/0", "--at", "0", "--says", "x"], "turn 0 cannot be edited"),
        (["fork", run, "--at", "0"], "is no episode: expected RUN/NUMBER"),
        (["ls", "--store", "elsewhere.db"], "there is no store at elsewhere.db"),
        (["envs", "wilted"], "did you mean 'wilt'"),
        (["systems", "wild"], "did you mean 'wilt'"),
        (["export", run, "--to", "no/where.jsonl"], "cannot write no/where.jsonl"),
    ]:
        assert said in refused(*words), words
    assert [row["run"] for row in last_json("ls")] == [run]


def test_output_of_models_cannot_command_the_terminal(folder: Path) -> None:
    (folder / "evil.py").write_text("agent = ['\\x1b[2J\\x1b]0;owned\\x07 50 [bold]x[/bold]'] * 20\n")
    ok("run", "number_guess", "-a", "evil.py:agent", "-n", "1", "-q")
    text = ok("show", "last/0")
    assert "\x1b" not in text
    assert "[bold]x[/bold]" in text


def test_an_environment_and_an_agent_from_a_file(folder: Path) -> None:
    (folder / "mine.py").write_text(
        "from turnwise import Environment\n\n\nclass Echo(Environment, frozen=True, kw_only=True):\n"
        "    async def run(self, task, episode):\n"
        "        reply = await episode.agent.respond('say hello')\n"
        "        episode.reward(reply.text == 'hello', reply)\n\n\n"
        "def polite(messages):\n    return messages[-1].text.removeprefix('say ')\n"
    )
    summary = last_json("run", "mine.py:Echo", "-a", "mine.py:polite", "-q")
    assert summary["score"]["mean"] == 1.0
    assert msgspec.json.encode(summary)
    assert last_json("replay", "last") == {"replayed": 1, "diverged": 0}


def test_latency_is_told_where_calls_take_time(folder: Path, run: str) -> None:
    assert "latency" not in ok("show", run)
    assert last_json("show", run)["latency"]["agent"]["calls"] > 10
    (folder / "slow.py").write_text(
        "import time\n\n\ndef agent(messages):\n    time.sleep(0.02)\n    return '50'\n"
    )
    slow = last_json("run", "number_guess", "-a", "slow.py:agent", "-n", "2", "-q", "--set", "max_turns=3")
    assert slow["latency"]["agent"]["calls"] == 6
    assert 0.02 <= slow["latency"]["agent"]["p50"] <= slow["latency"]["agent"]["p95"]
    assert "p50," in ok("show")
    assert "of 6 calls of agent" in ok("show")
