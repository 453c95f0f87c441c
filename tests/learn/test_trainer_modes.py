"""What a training can do besides the plain loop: several learners, self-play, a league, one step ahead,
corrections, a reference, filters; and what it does when it diverges."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import handmade  # noqa: E402
import lessons  # noqa: E402
import torch  # noqa: E402
from test_trainer import same, weights  # noqa: E402

from turnwise.engine.launch import RunStopped  # noqa: E402
from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import objective, tiny  # noqa: E402
from turnwise.learn.engine.local import LocalEngine  # noqa: E402
from turnwise.learn.engine.protocol import Pass, Scored, TrainingError  # noqa: E402
from turnwise.learn.journal import read_log  # noqa: E402
from turnwise.learn.league import League  # noqa: E402
from turnwise.learn.rows import batch_of  # noqa: E402
from turnwise.log import EpisodeLog  # noqa: E402

PAIR = f"{lessons.__file__}:Pair"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.save(tmp_path / "base", hidden=16, heads=2)
    return tmp_path


def versions(logs: list[EpisodeLog], role: str | None = None) -> list[set[int]]:
    """The policy versions of each step's calls, eight episodes a step."""
    found: list[set[int]] = [set() for _ in range(len(logs) // 8)]
    for number, log in enumerate(logs):
        found[number // 8] |= {int(c.version or -1) for c in log.calls if role in (None, c.role)}
    return found


def test_one_step_ahead_plays_with_the_weights_before(folder: Path) -> None:
    run = lessons.run(lessons.config(folder, lag=1, steps=4), folder / "store.db")
    assert versions(list(run.logs())) == [{0}, {0}, {1}, {2}]
    lines = read_log(folder / "out")
    # Others sampled it than learn: log-probabilities differ, and the correction is in.
    assert lines[0]["mismatch"] < 1e-5 < lines[2]["mismatch"]


@pytest.mark.parametrize(
    ("correction", "low", "high"),
    [
        ({"name": "tis", "cap": 1.0}, 0.5, 1.0),
        ({"name": "tis", "segment": "row"}, 0.5, 2.0),
        ({"name": "icepop", "low": 0.999, "high": 1.001}, 0.0, 1.001),
        ({"name": "rejection", "most": 0.0}, 0.0, 0.0),
    ],
)
def test_what_other_weights_sampled_counts_by_its_correction(
    correction: dict[str, Any], low: float, high: float, folder: Path
) -> None:
    """By hand: the same batch under weights that have moved since."""
    run = lessons.run(lessons.config(folder, steps=1), folder / "store.db")
    batch = batch_of(run).batch
    config = lessons.config(folder, correction=correction)
    moved = LocalEngine(str(folder / "out" / "step-000001" / "policy"))
    trainer = moved.forward_backward(batch, None).logprobs.astype(np.float64)
    found = objective.corrected(batch, trainer, config, correction["name"])
    ratio = np.exp(trainer - batch.logprobs[batch.sampled])
    assert found.min() >= low
    assert found.max() <= high
    if correction["name"] == "tis" and "segment" not in correction:
        np.testing.assert_allclose(found, np.minimum(ratio, 1.0))
    if correction["name"] == "icepop":
        np.testing.assert_allclose(found, ratio * (np.abs(ratio - 1) <= 1e-3))


def test_weights_that_move_while_they_play_are_refused(folder: Path) -> None:
    shared = {"name": "local", "sampler": "shared"}
    with pytest.raises(ConfigError, match=r"engine.sampler: with lag 1 .* expected another than 'shared'"):
        lessons.run(lessons.config(folder, lag=1, engine=shared), folder / "store.db")


def test_two_policies_learn_each_from_its_own_turns(folder: Path) -> None:
    more = {"steps": 25, "tasks_per_step": 4, "concurrency": 16, "save_every": 25, "lr": 1e-2}
    wanted = lessons.config(folder, environment=PAIR, learners={"high": {"credit": "rloo"}}, **more)
    lessons.run(wanted, folder / "store.db")
    first = lessons.engine_of(str(folder / "base"))
    low, high = (weights(folder / "out", 25, part) for part in ("policy", "high"))
    assert not same(low, first)
    assert not same(high, first)
    assert not same(low, high)
    lines = read_log(folder / "out")
    for role in ("low", "high"):
        scores = [line[f"score/{role}"] for line in lines]
        assert np.mean(scores[-5:]) > np.mean(scores[:5]) + 0.1, role
    line = lines[-1]
    assert line["high/score"] == pytest.approx(line["score/high"])
    assert {"loss", "high/loss"} <= line.keys()


def test_self_play_trains_one_policy_on_both_sides(folder: Path) -> None:
    wanted = lessons.config(folder, environment=PAIR, roles=["low", "high"], credit="mars", steps=2)
    run = lessons.run(wanted, folder / "store.db")
    line = read_log(folder / "out")[0]
    logs = list(run.logs())[:8]
    assert line["tokens"] == sum(len(c.sampled_ids or ()) for log in logs for c in log.calls)
    assert line["turns"] == 4


def test_the_policy_plays_a_role_it_is_not_trained_in(folder: Path) -> None:
    wanted = lessons.config(folder, environment=PAIR, agents={"high": "policy"}, steps=2)
    run = lessons.run(wanted, folder / "store.db")
    assert versions(list(run.logs()), "high") == [{0}, {1}]
    assert read_log(folder / "out")[0]["turns"] == 2


def test_a_league_plays_past_weights_and_evaluates_against_the_first(folder: Path) -> None:
    wanted = lessons.config(folder, environment=PAIR, agents={"high": "league"}, steps=6, eval_every=6)
    run = lessons.run(wanted, folder / "store.db")
    names = [log.agents["high"] for log in run.logs()]
    assert all(len(set(names[first : first + 8])) == 1 for first in range(0, 48, 8)), "one a step"
    past = [int(name.removeprefix("league/")) for name in names[::8]]
    assert all(player <= step for step, player in enumerate(past))
    assert len(set(past)) > 2
    evaluated = [row for row in run.store.runs() if row.kind == "eval"]
    for row in evaluated:
        agents = {log.agents["high"] for _, log in run.store.read_many(row.number, range(6))}
        assert agents == {"league/0"}


def test_pfsp_draws_whom_it_does_not_beat() -> None:
    league = League("pfsp", seed=0)
    lost = EpisodeLog(environment="x", task={}, seed=0, roles=("a", "b"), agents={})
    assert Counter(league.drawn(step, [0, 10]) for step in range(1000))[0] == pytest.approx(500, abs=60)
    records = {0: (8, 8.0), 10: (8, 3.0)}
    for player, (games, wins) in records.items():
        league.met(player, [lost] * games, policy="a", other="b")
        league.records[player] = type(league.records[player])(player=player, games=games, wins=wins)
    # By hand: rates 9/10 and 4/10, weights 0.01 and 0.36.
    drawn = Counter(league.drawn(step, [0, 10]) for step in range(1000))
    assert drawn[0] == pytest.approx(1000 * 0.01 / 0.37, abs=20)


def test_the_divergence_from_the_first_weights_is_kept_small(folder: Path) -> None:
    found: dict[float, float] = {}
    for weight in (1e-9, 10.0):
        out = folder / f"out{weight}"
        wanted = lessons.config(folder, kl=weight, steps=12, lr=1e-2, save_every=12, folder=str(out))
        lessons.run(wanted, folder / "store.db")
        told = [line["kl"] for line in read_log(out)]
        assert abs(told[0]) < 1e-6
        found[weight] = float(np.mean(told[-3:]))
    assert found[10.0] < 0.5 * found[1e-9]


def test_a_filter_leaves_out_groups_that_teach_nothing(folder: Path) -> None:
    lessons.run(lessons.config(folder, filter="top_share=0.5", steps=2), folder / "store.db")
    assert [line["kept"] for line in read_log(folder / "out")] == [0.5, 0.5]
    alone = lessons.config(folder, filter="varied", group=1, steps=1, folder=str(folder / "alone"))
    lessons.run(alone, folder / "store.db")
    assert read_log(folder / "alone")[0]["idle"] == 1


@pytest.mark.parametrize(("truncated", "wanted"), [("penalize", 0.5), ("mask", 1.0), ("renormalize", 2.0)])
def test_what_a_limit_cut_off_is_not_punished(truncated: str, wanted: float, tmp_path: Path) -> None:
    """Two episodes of two tokens each, with advantages 2 and -1; the second was cut off."""
    batch = handmade.batch_with(handmade.row([1], [2, 3]), handmade.row([1], [4, 5]))
    added = {"name": "token-mean", "truncated": truncated}
    batch = msgspec.structs.replace(batch, truncated=np.array([False, True]))
    columns = {"advantages": np.array([2.0, 2.0, -1.0, -1.0]), "old": np.zeros(4)}
    loss = objective.policy_loss(batch, columns, lessons.config(tmp_path, aggregation=added))
    assert -float(loss(Scored(torch.zeros(4), torch.arange(4)))) == pytest.approx(wanted)


def test_a_step_in_which_all_was_cut_off_moves_nothing(folder: Path) -> None:
    changes = {"limits": {"turns": 1}, "steps": 1}
    masked = {"name": "token-mean", "truncated": "mask"}
    for name, added in (("penalized", "token-mean"), ("masked", masked)):
        given = lessons.config(folder, **changes, aggregation=added, folder=str(folder / name))
        lessons.run(given, folder / "store.db")
    base = lessons.engine_of(str(folder / "base"))
    assert same(weights(folder / "masked", 1), base)
    assert not same(weights(folder / "penalized", 1), base)
    line = read_log(folder / "masked")[0]
    assert (line["truncated"], line["idle"]) == (1, 1)


class Blind(LocalEngine):
    """An engine whose gradients are never finite."""

    def forward_backward(self, *args: Any, **more: Any) -> Pass:
        found = super().forward_backward(*args, **more)
        for weight in self.module.parameters():
            weight.grad = torch.full_like(weight, float("inf"))
        return found


def test_a_training_without_finite_gradients_stops(folder: Path) -> None:
    engine = Blind(str(folder / "base"))
    with pytest.raises(RunStopped, match="no finite gradient in 3 steps in a row: go back to an earlier"):
        lessons.run(lessons.config(folder, steps=9), folder / "store.db", engine=engine)
    assert len(read_log(folder / "out")) == 2
    assert same(weights(folder / "out", 2), lessons.engine_of(str(folder / "base")))


def test_weights_that_are_broken_are_not_saved(folder: Path) -> None:
    engine = LocalEngine(str(folder / "base"))
    with torch.no_grad():
        next(iter(engine.module.parameters()))[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="no finite number any more, no checkpoint was written"):
        engine.save(folder / "broken")
    assert not (folder / "broken").exists()


def test_engines_of_several_learners_may_be_given_by_name(folder: Path) -> None:
    engines = {"high": LocalEngine(str(folder / "base"))}
    wanted = lessons.config(folder, environment=PAIR, learners={"high": {}}, steps=1)
    lessons.run(wanted, folder / "store.db", engine=engines)
    assert engines["high"].policy.version == "1"  # type: ignore[attr-defined]
