"""The script that trains on BFCL: each turn's check is a reward, and one step of it moves the weights."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers", "matplotlib"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn,plot]'")

import torch  # noqa: E402
from safetensors.torch import load_file  # noqa: E402

import turnwise  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
STEP = {"steps": 1, "tasks_per_step": 2, "minibatches": 1, "lr": 1e-3, "eval_every": 1}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Scripts import what lies beside them; what they import is nobody else's."""
    monkeypatch.syspath_prepend(str(FOLDER))
    torch.set_num_threads(1)
    before = set(sys.modules)
    yield importlib.import_module("learn_bfcl")
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def weights(policy: str | Path) -> dict[str, torch.Tensor]:
    return load_file(Path(str(policy).removeprefix("hf/")) / "model.safetensors")


def test_a_step_on_the_checks_of_turns_moves_the_weights(script: Any, tmp_path: Path) -> None:
    policy = script.clone(0, tmp_path, steps=60, count=2)
    result = script.train(
        "turns", 0, tmp_path, policy, settings={"count": 2}, eval_settings={"count": 4}, **STEP
    )
    (checkpoint,) = (tmp_path / "turns-0").glob("step-*")
    before, after = weights(policy), weights(checkpoint / "policy")
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name], after[name]) for name in before)

    (step,) = [line for line in read_log(tmp_path / "turns-0") if "score" in line]
    assert result["curve"] == [round(step["score"], 4)]
    assert 0 < step["score"] < 1, "some turns pass, and some do not"
    assert [point["step"] for point in result["evaluations"]] == [0, 1]
    (tmp_path / "result.json").write_text(json.dumps([result]))
    script.draw(tmp_path / "result.json")
    assert (tmp_path / "result.svg").stat().st_size > 1000


def test_each_turn_of_the_idle_player_is_graded_by_itself(script: Any, tmp_path: Path) -> None:
    settings = {"split": "train", "count": 60, "reward": "turns"}
    run = turnwise.run("bfcl", script.idle, settings=settings, store=tmp_path / "runs.db")
    shares: list[float] = []
    for log in run.logs():
        checks = [note for note in log.notes if note.name == "check"]
        turns = len(log.task["asks"])
        assert len(checks) == len(log.rewards) == turns
        for note, reward in zip(checks, log.rewards, strict=True):
            assert reward.turn == note.turn, "the reward stands at the turn that was checked"
            assert reward.value == (0 if note.value.get("fault") else 1 / turns)
        shares.append(log.score())
    assert 0.05 < sum(shares) / len(shares) < 0.4
    assert any(0 < share < 1 for share in shares), "an entry that is wrong is right in part"
