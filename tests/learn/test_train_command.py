"""`turnwise train` and `turnwise.train`: a config file, flags on top, and one line for what does not fit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import turnwise
from turnwise.cli.main import app
from turnwise.errors import ConfigError
from turnwise.learn.config import Rate, TrainConfig, helps, parse_training, read_training
from turnwise.learn.journal import Journal, read_log
from turnwise.limits import Limits

TOML = """\
environment = "number_guess"
model = "hf/base"
steps = 2
tasks_per_step = 2
group = 2
max_tokens = 3

[settings]
high = 4
max_turns = 2
"""


def test_there_are_at_most_forty_keys_and_each_has_its_help() -> None:
    fields = [field.name for field in msgspec.structs.fields(TrainConfig)]
    limits = {field.name for field in msgspec.structs.fields(Limits)} - {"unknown"}
    assert len(fields) - 1 + len(limits) <= 40
    assert set(helps()) == set(fields)
    assert helps()["clip"] == "Greatest norm of a gradient; a longer one is shortened."


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("grop = 3", r"c.toml:1: grop: unknown key \(did you mean 'group'"),
        ("group = 0", r"c.toml:1: group: expected at least 1, got 0"),
        ('group = "many"', r"c.toml:1: group: expected `int`, got `str`"),
        ("lr = {peak = 2}", r"c.toml:1: lr: expected at least 0 and at most 1, got 2"),
        ("lr = {top = 1e-3}", r"c.toml.*lr.*unknown key"),
        ("temperature = 0", r"c.toml:1: temperature: expected above 0"),
        ('model = "openai/gpt"', r"c.toml:1: model: expected hf/FOLDER or hf/HUB-ID, got 'openai/gpt'"),
        ("limits = {turn = 3}", r"c.toml: limits.turn: unknown key \(did you mean 'turns'"),
    ],
)
def test_a_key_that_does_not_fit_is_named_with_its_line(line: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(line)
    with pytest.raises(ConfigError, match=told):
        read_training(tmp_path / "c.toml")


def test_the_learning_rate_rises_in_a_line_to_its_peak() -> None:
    rate = TrainConfig(environment="lock", model="hf/x", lr=Rate(peak=0.4, warmup=4)).rate
    assert [rate.at(step) for step in range(6)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4, 0.4])
    assert TrainConfig(environment="lock", model="hf/x", lr=0.4).rate.at(0) == 0.4


def test_flags_and_tables_from_python_are_checked_alike() -> None:
    with pytest.raises(ConfigError, match=r"config: lr: expected at least 0 and at most 1, got -1"):
        parse_training({"environment": "number_guess", "model": "hf/x", "lr": -1.0})
    with pytest.raises(ConfigError, match=r"model: missing"):
        turnwise.train(environment="number_guess")


def test_lines_of_a_log_that_are_done_again_are_dropped(tmp_path: Path) -> None:
    with Journal(tmp_path, before=0, say=lambda line: None) as journal:
        for step in range(3):
            journal.write(step, eval={"mean": 0.5})
            journal.write(step, score=float(step))
    # Killed while it wrote a line.
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 3, "sco')
    with Journal(tmp_path, before=2, say=lambda line: None) as journal:
        assert journal.evaluated(2)
        assert not journal.evaluated(3)
    kept = [(line["step"], "eval" in line) for line in read_log(tmp_path)]
    assert kept == [(0, True), (0, False), (1, True), (1, False), (2, True)]


def test_a_training_by_command_and_one_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    from turnwise.learn import tiny

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TURNWISE_STORE", raising=False)
    tiny.save("base", hidden=16, heads=2)
    Path("c.toml").write_text(TOML)
    words = ["train", "c.toml", "--credit", "rloo", "-k", "group=3", "-s", "count=7", "--json", "-q"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    summary = msgspec.json.decode(done.stdout.splitlines()[-1])
    assert (summary["episodes"], summary["planned"], summary["status"]) == (12, 12, "done")
    told = turnwise.open_run(summary["run"]).row.provenance["train"]
    assert (told["credit"], told["group"], told["settings"]["count"]) == ("rloo", 3, 7)
    assert len(read_log(tmp_path / "turnwise-train" / summary["run"])) == 2

    run = turnwise.train("c.toml", settings={"high": 4, "max_turns": 1}, steps=1)
    assert len(run.episodes()) == 4
    with pytest.raises(ConfigError, match=f"run {run.id} is a training"):
        turnwise.resume(run.id)
    again = CliRunner().invoke(app, ["resume", run.id, "-q"])
    assert again.exit_code == 0, again.output
    policy = tmp_path / "turnwise-train" / run.id / "step-000001" / "policy"
    played = turnwise.run("number_guess", f"hf/{policy}", limit=2, settings={"max_turns": 1})
    assert len(played.episodes()) == 2


def test_torchrun_starts_the_command_on_every_process(tmp_path: Path) -> None:
    for needed in ("torch", "transformers"):
        pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")
    from turnwise.learn import tiny

    tiny.save(tmp_path / "base", hidden=16, heads=2)
    (tmp_path / "c.toml").write_text(TOML.replace("[settings]", 'engine = "torchrun"\n\n[settings]'))
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "turnwise"]
    words = ["train", "c.toml", "-q", "--json"]
    done = subprocess.run(
        [*start, *words], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True
    )
    summary = msgspec.json.decode(done.stdout.splitlines()[-1])
    assert (summary["episodes"], summary["status"]) == (8, "done")
    refused = subprocess.run(
        [*start, *words, "-k", "engine=local"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert "turnwise: started by torchrun, but the engine is another" in refused.stderr
