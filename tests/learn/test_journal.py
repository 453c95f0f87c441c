"""The log of a training: its lines, and what TensorBoard and Weights & Biases are told of them."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from turnwise.errors import ConfigError
from turnwise.learn.journal import LOG, Journal, asked_of_wandb, read_log


@pytest.fixture(autouse=True)
def _unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)


def mute(line: dict[str, Any]) -> None:
    """Says nothing."""


def killed(folder: Path) -> None:
    """A training that was evaluated before steps 0 and 2, saved before step 2, and died after step 3."""
    with Journal(folder, before=0, say=mute) as journal:
        journal.write(0, eval={"run": "abc", "mean": 0.25, "low": 0.1})
        journal.write(0, loss=1.0)
        journal.write(1, loss=0.5)
        journal.write(2, eval={"run": "abd", "mean": 0.75, "low": 0.5})
        journal.write(2, loss=99.0)
        journal.write(3, loss=99.0)


def resumed(folder: Path) -> Journal:
    """It goes on from step 2."""
    with Journal(folder, before=2, say=mute) as journal:
        journal.write(2, loss=0.25)
        journal.write(3, loss=0.125)
    return journal


SCALARS = {
    "eval/mean": [(0, 0.25), (2, 0.75)],
    "eval/low": [(0, pytest.approx(0.1)), (2, 0.5)],
    "loss": [(0, 1.0), (1, 0.5), (2, 0.25), (3, 0.125)],
}
"""What is to be seen after both."""


def test_lines_after_the_checkpoint_are_dropped_and_evaluations_before_it_stay(tmp_path: Path) -> None:
    killed(tmp_path)
    journal = resumed(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert lines == journal.lines == read_log(tmp_path)
    assert [(line["step"], line.get("loss")) for line in lines] == [
        (0, None),
        (0, 1.0),
        (1, 0.5),
        (2, None),
        (2, 0.25),
        (3, 0.125),
    ]
    assert [step for step in range(4) if journal.evaluated(step)] == [0, 2]


def test_each_line_is_said_and_one_that_is_not_whole_is_left_out(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    with Journal(tmp_path / "new", before=0, say=said.append) as journal:
        journal.write(0, loss=1.0, role="agent")
    assert said == [{"step": 0, "loss": 1.0, "role": "agent"}]
    with (tmp_path / "new" / LOG).open("ab") as file:
        file.write(b'{"step": 1, "lo')
    assert read_log(tmp_path / "new") == said
    assert read_log(tmp_path / "nothing") == []


def test_tensorboard_shows_what_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs pip install 'turnwise[learn]'")
    pytest.importorskip("tensorboard", reason="needs pip install tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    killed(tmp_path)
    resumed(tmp_path)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert set(events.Tags()["scalars"]) == set(SCALARS)
    for name, expected in SCALARS.items():
        assert [(event.step, event.value) for event in events.Scalars(name)] == expected


@pytest.mark.parametrize(
    ("environ", "mode"),
    [
        ({}, None),
        ({"WANDB_PROJECT": "mine"}, None),
        ({"WANDB_API_KEY": "k"}, "online"),
        ({"WANDB_API_KEY": " "}, None),
        ({"WANDB_API_KEY": "k", "WANDB_DISABLED": "true"}, None),
        ({"WANDB_API_KEY": "k", "WANDB_MODE": "disabled"}, None),
        ({"WANDB_API_KEY": "k", "WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_MODE": "offline"}, "offline"),
        ({"WANDB_MODE": "dryrun"}, "offline"),
        ({"WANDB_MODE": "online"}, "online"),
    ],
)
def test_who_asks_for_weights_and_biases(environ: dict[str, str], mode: str | None) -> None:
    assert asked_of_wandb(environ) == mode


def test_unasked_nothing_of_weights_and_biases_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb", reason="needs pip install wandb")

    def refused(**_: Any) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr(wandb, "init", refused)
    killed(tmp_path)
    assert not (tmp_path / "wandb").exists()


def records(path: Path) -> Iterator[Any]:
    """The records of a file of Weights & Biases: LevelDB's log format, behind seven bytes of its own."""
    from wandb.proto import wandb_internal_pb2

    data, place, whole = path.read_bytes(), 7, b""
    while place < len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, place)
        whole += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):
            record: Any = wandb_internal_pb2.Record()
            record.ParseFromString(whole)
            whole = b""
            yield record


def written(path: Path) -> list[Any]:
    """All records, once the library's own process has written the last."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = list(records(path))
        if any(record.WhichOneof("record_type") == "exit" for record in found):
            return found
        time.sleep(0.02)
    raise TimeoutError(path)


def told(path: Path) -> tuple[dict[str, list[tuple[int, float]]], str, dict[str, Any]]:
    """The history in a file of Weights & Biases, the run's group, and its config."""
    history: dict[str, list[tuple[int, float]]] = {}
    name, config = "", {}
    for record in written(path):
        if record.WhichOneof("record_type") == "run":
            name = record.run.run_group
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        if record.WhichOneof("record_type") == "history":
            values = {
                item.key or "/".join(item.nested_key): json.loads(item.value_json)
                for item in record.history.item
            }
            for key, value in values.items():
                if not key.startswith("_"):
                    history.setdefault(key, []).append((values["_step"], value))
    return history, name, config


def test_weights_and_biases_offline_holds_what_is_kept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="needs pip install wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    killed(tmp_path)
    (first,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    with Journal(tmp_path, before=2, say=mute, about={"steps": 4}) as journal:
        journal.write(2, loss=0.25)
        journal.write(3, loss=0.125)
    (second,) = set(tmp_path.glob("wandb/offline-run-*/run-*.wandb")) - {first}
    history, name, config = told(second)
    assert history == SCALARS
    assert config["steps"] == 4
    before, same, _ = told(first)
    assert before["loss"][-1] == (3, 99.0)
    assert name == same != ""
    assert (tmp_path / "wandb" / "latest-run").resolve() == second.parent
    kinds = {record.WhichOneof("record_type") for record in written(second)}
    # Of the machine, the code and the console, nothing.
    assert not kinds & {"output", "output_raw", "stats", "environment"}
    assert not list(second.parent.glob("files/*"))


def test_a_refusal_of_weights_and_biases_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="needs pip install wandb")

    def refuses(**_: Any) -> None:
        raise wandb.errors.UsageError("no API key configured\nmore")

    monkeypatch.setattr(wandb, "init", refuses)
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(ConfigError, match=r"^Weights & Biases was asked for .*: no API key configured; set"):
        Journal(tmp_path, before=0, say=mute)
