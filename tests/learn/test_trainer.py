"""Training for real: a tiny policy, killed and resumed, shown bad input, and by every kind of method."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import lessons  # noqa: E402
import torch  # noqa: E402

from turnwise.engine.launch import RunStopped, replay  # noqa: E402
from turnwise.engine.learning import learning_curve  # noqa: E402
from turnwise.engine.results import Run  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.engine.local import STATE  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.start import resume  # noqa: E402
from turnwise.store.store import Store  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.save(tmp_path / "base", hidden=16, heads=2)
    return tmp_path


def weights(folder: Path, step: int, part: str = "policy") -> dict[str, Any]:
    return torch.load(folder / f"step-{step:06}" / part / STATE, weights_only=True)["weights"]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(weight, other[key]) for key, weight in one.items())


def curve(folder: Path) -> list[dict[str, Any]]:
    """The log, without what a clock says and the names of runs."""
    lines = [{k: v for k, v in line.items() if not k.startswith("seconds")} for line in read_log(folder)]
    for line in lines:
        line.get("eval", {}).pop("run", None)
    return lines


LEAGUE = {
    "environment": f"{lessons.__file__}:Pair",
    "roles": ["low"],
    "agents": {"high": {"use": "league/pfsp"}},
    "steps": 5,
}
TWO = {
    "environment": f"{lessons.__file__}:Pair",
    "learners": {"high": {"credit": "rloo", "lr": 3e-3, "max_tokens": 2}},
}


@pytest.mark.parametrize(
    ("changes", "replies"),
    [
        # An evaluation has 12 replies, and then a step 16.
        pytest.param({"eval_every": 2}, 22, id="plain"),
        pytest.param({"eval_every": 2, "lag": 1, "steps": 5}, 22, id="lag"),
        pytest.param(LEAGUE, 40, id="league"),
        pytest.param(TWO, 40, id="two learners"),
        pytest.param({"curriculum": {"name": "exit", "fresh": 0.2}, "lag": 1, "steps": 6}, 14, id="exit"),
        pytest.param({"credit": "gae", "kl": 0.1, "filter": "varied"}, 20, id="critic and reference"),
    ],
)
def test_a_killed_training_ends_with_the_weights_of_one_that_was_not(
    changes: dict[str, Any], replies: int, folder: Path
) -> None:
    words = [sys.executable, lessons.__file__, str(folder), json.dumps(changes)]
    deadly = os.environ | {"DIE_AFTER": f"{folder / 'out' / 'step-000002'}+{replies}"}
    killed = subprocess.run(words, env=deadly, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = Store(folder / "store.db")
    (training,) = (row for row in store.runs() if row.kind == "train")
    wanted = lessons.config(folder, **changes, folder=str(folder / "whole"))
    assert not (folder / "out" / f"step-{wanted.steps:06}").exists(), "it died before its end"
    finished = asyncio.run(resume(training.id, store))
    assert finished.status == "done"

    whole = lessons.run(wanted, folder / "2.db")
    last = wanted.steps
    assert not same(weights(folder / "whole", 2), weights(folder / "whole", last)), "it learned something"
    for part in ("policy", *(("high",) if "learners" in changes else ())):
        assert same(weights(folder / "whole", last, part), weights(folder / "out", last, part))
    assert curve(folder / "out") == curve(folder / "whole")
    for log, other in zip(finished.logs(), whole.logs(), strict=True):
        assert log.to_json() == other.to_json()
    assert asyncio.run(replay(finished.id, store)).diverged == 0


def test_the_run_and_its_evaluations_are_in_the_store(folder: Path) -> None:
    run = lessons.run(lessons.config(folder, steps=2, eval_every=2), folder / "store.db")
    assert (run.row.kind, run.status, len(run.episodes())) == ("train", "done", 16)
    versions = {log.calls[0].version for log in run.logs()}
    assert versions == {"0", "1"}
    evals = [row for row in run.store.runs() if row.kind == "eval"]
    assert sorted(str(row.parent) for row in evals) == [f"{run.id}@0", f"{run.id}@2"]
    told = [line["eval"] for line in read_log(folder / "out") if "eval" in line]
    for line in told:
        score = Run(run.store, run.store.run(line["run"])).score
        assert (line["mean"], line["low"], line["high"]) == (score.mean, score.low, score.high)
    curve = learning_curve(run)
    assert [point.step for point in curve.evaluated] == [0, 2]
    scores = [point.score.mean for point in curve.played]
    assert scores == pytest.approx([line["score"] for line in read_log(folder / "out") if "score" in line])


def test_a_training_killed_three_times_ends_as_one_that_was_not(folder: Path) -> None:
    """Each time a few replies after another checkpoint: while it plays, and while it evaluates."""
    changes = {"eval_every": 3, "steps": 7}
    words = [sys.executable, lessons.__file__, str(folder), json.dumps(changes)]
    store = Store(folder / "store.db")
    for step, replies in ((1, 7), (3, 5), (5, 20)):
        deadly = os.environ | {"DIE_AFTER": f"{folder / 'out' / f'step-{step:06}'}+{replies}"}
        killed = subprocess.run(words, env=deadly, capture_output=True, text=True)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert not (folder / "out" / f"step-{step + 2:06}").exists()
        (training,) = (row for row in store.runs() if row.kind == "train")
        words = [*words[:4], training.id]
    finished = asyncio.run(resume(training.id, store))
    whole = lessons.run(lessons.config(folder, **changes, folder=str(folder / "whole")), folder / "2.db")
    assert same(weights(folder / "whole", 7), weights(folder / "out", 7))
    assert curve(folder / "out") == curve(folder / "whole")
    assert [log.to_json() for log in finished.logs()] == [log.to_json() for log in whole.logs()]


@pytest.mark.parametrize("credit", ["grpo", "turn_baseline", "gigpo", "gae", "reinforce_plus_plus"])
def test_the_policy_earns_more_by_every_kind_of_credit(credit: str, folder: Path) -> None:
    more = {"steps": 30, "tasks_per_step": 4, "concurrency": 16, "save_every": 30}
    wanted = lessons.config(folder, credit=credit, lr=1e-2, critic_lr=1e-2, **more)
    lessons.run(wanted, folder / "store.db")
    scores = [line["score"] for line in read_log(folder / "out")]
    assert sum(scores[-3:]) / 3 > sum(scores[:3]) / 3 + 0.3


def test_episodes_that_fail_are_left_out_and_counted(folder: Path) -> None:
    wanted = lessons.config(folder, steps=3, settings={"fails": "1"})
    run = lessons.run(wanted, folder / "store.db")
    failed = [row.number // 8 for row in run.episodes() if row.stop == "error"]
    assert [line["left_out"] for line in read_log(folder / "out")] == [failed.count(n) for n in range(3)]
    assert failed


def test_a_training_in_which_every_episode_fails_stops_before_any_weight_moves(folder: Path) -> None:
    wanted = lessons.config(folder, settings={"fails": "always"})
    with pytest.raises(
        RunStopped, match=r"every one of 8 episodes failed.*expected a finite number, got nan"
    ):
        lessons.run(wanted, folder / "store.db")
    assert not (folder / "out" / "step-000001").exists()


def test_a_step_in_which_nothing_is_better_moves_nothing(folder: Path) -> None:
    lessons.run(lessons.config(folder, steps=1, group=1, weight_decay=0.1), folder / "store.db")
    (line,) = read_log(folder / "out")
    assert line["idle"] == 1
    model = lessons.config(folder).model.removeprefix("hf/")
    before = lessons.engine_of(model)
    assert same(weights(folder / "out", 1), before)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "openai/gpt-x"}, "only a model whose weights are here can be trained"),
        ({"credit": "gipgo"}, "no credit method 'gipgo' .did you mean 'gigpo'"),
        ({"credit": "judge"}, "must be given score, which the trainer has not"),
        ({"credit": {"name": "turn_baseline", "gama": 1}}, "credit.gama: unknown key .did you mean 'gamma'"),
        ({"loss": "pppo"}, "no loss is called 'pppo'"),
        ({"loss": {"name": "ppo", "hihg": 1}}, "loss.hihg: unknown key .did you mean 'high'"),
        ({"engine": {"name": "local", "lroa": 1}}, "engine.lroa: unknown key .did you mean 'lora'"),
        ({"engine": {"name": "local", "lora": "x"}}, "engine.lora: expected `int . null`, got `str`"),
        ({"engine": {"name": "local", "lora": 0}}, "engine.lora: expected at least 1, got 0"),
        ({"engine": {"name": "local", "layout": "tree"}}, "engine.layout: there is no 'tree' .did you mean"),
        ({"credit": {"name": "turn_baseline", "gamma": "x"}}, "credit.gamma: expected `float`, got `str`"),
        (
            {"credit": {"name": "turn_baseline", "peers": "al"}},
            "credit.peers: there is no 'al' .did you mean",
        ),
        ({"loss": {"name": "ppo", "high": "x"}}, "loss.high: expected `float`, got `str`"),
        ({"eval_every": 1, "eval_settings": {"fail": "x"}}, "has no setting 'fail' .did you mean 'fails'"),
        ({"agents": {"agnt": "policy"}}, "has no role 'agnt' .did you mean 'agent'"),
        ({"folder": __file__}, "expected a folder, or none yet, found a file: name another"),
        ({"clip": 0}, "clip: expected above 0, got 0"),
        ({"engine": {"name": "locl"}}, "engine: there is no 'locl' .did you mean 'local'"),
        ({"engine": {"lora": 1}}, "engine: expected a name, or a table with one"),
        ({"curriculum": "uniformm"}, "curriculum: there is no 'uniformm' .did you mean 'uniform'"),
        ({"curriculum": {"name": "exit", "dept": 1}}, "curriculum.dept: unknown key .did you mean 'depth'"),
        ({"filter": "vareid"}, "filter: there is no 'vareid' .did you mean 'varied'"),
        ({"correction": "tsi"}, "correction: there is no 'tsi' .did you mean 'tis'"),
        ({"correction": {"name": "tis", "segment": "rwo"}}, "correction.segment: there is no 'rwo' .did you"),
        ({"lag": 2}, "lag: expected at least 0 and at most 1, got 2"),
        ({"learners": {"agnt": {}}}, "has no role 'agnt' .did you mean 'agent'"),
        ({"learners": {"agent": {"steps": 3}}}, "learners.agent.steps: no key of a learner; it is the whole"),
        ({"learners": {"agent": {}}}, "the role 'agent' is played twice: by policy and by agent"),
        ({"aggregation": "token-maen"}, "did you mean 'token-mean'"),
        ({"aggregation": {"name": "token-mean", "truncatd": "mask"}}, "truncatd: unknown key .did you mean"),
        (
            {"aggregation": {"name": "token-mean", "truncated": "masks"}},
            "truncated: there is no 'masks' .did",
        ),
        ({"roles": ["agnet"]}, "has no role 'agnet' .did you mean 'agent'"),
        ({"credit": "gigpo", "environment": "mt_eval"}, "needs 'state_key'"),
        ({"group": 0}, "group: expected at least 1, got 0"),
    ],
)
def test_what_cannot_be_is_one_line_before_any_weight_is_loaded(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        lessons.run(lessons.config(tmp_path, **changes), tmp_path / "store.db")
    assert not Store(tmp_path / "store.db").runs()


def test_a_checkpoint_of_another_model_is_refused(folder: Path) -> None:
    run = lessons.run(lessons.config(folder, steps=1), folder / "store.db")
    tiny.save(folder / "base", hidden=32, heads=2)
    with pytest.raises(RunStopped, match=r"step-000001/policy is of another model: its 'lm_head.weight' is"):
        asyncio.run(resume(run.id, Store(folder / "store.db")))


def test_a_folder_belongs_to_one_training(folder: Path) -> None:
    run = lessons.run(lessons.config(folder, steps=1), folder / "store.db")
    with pytest.raises(
        ConfigError, match=f"out holds the training {run.id}: go on with it by turnwise train"
    ):
        lessons.run(lessons.config(folder, steps=2), folder / "store.db")
    (folder / "out" / "run").write_text("other-abcde")
    with pytest.raises(RunStopped, match=f"out holds the training other-abcde, not {run.id}"):
        asyncio.run(resume(run.id, Store(folder / "store.db")))
