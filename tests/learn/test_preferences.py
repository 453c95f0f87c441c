"""Pairs of a policy's own episodes, and what M-DPO, M-KTO and RISE learn from them."""

from __future__ import annotations

import math

import numpy as np
import pytest

for needed in ("torch", "transformers"):
    pytest.importorskip(needed, reason="needs pip install 'turnwise[learn]'")

import handmade  # noqa: E402
import msgspec  # noqa: E402
import torch  # noqa: E402

from turnwise.errors import ConfigError  # noqa: E402
from turnwise.learn import tiny  # noqa: E402
from turnwise.learn.batch import Batch, Floats  # noqa: E402
from turnwise.learn.engine.local import LocalEngine, LocalOptions  # noqa: E402
from turnwise.learn.preferences import (  # noqa: E402
    dpo_loss,
    improved,
    kto_loss,
    pairs,
    reference,
    rise_loss,
    scored,
)

torch.set_num_threads(1)


def engine() -> LocalEngine:
    # So few tokens to a micro-batch that the two episodes of a pair are in different ones.
    options = LocalOptions(device="cpu", tokens=8)
    return LocalEngine(tiny.policy(hidden=16, heads=2), tiny.tokenizer(), options=options)


def three() -> Batch:
    """Episodes of two turns each, of which somebody else said what lies between them."""
    rows = [handmade.row([9, said], [10, 11]) + handmade.row([12], [said]) for said in (20, 30, 40)]
    return handmade.batch_with(*rows)


def test_a_pair_is_one_that_was_right_and_one_that_was_not() -> None:
    good = np.array([True, False, True, True, True, False, False, False])
    group = np.array([0, 0, 0, 1, 1, 2, 2, 0])
    seen: set[tuple[int, int]] = set()
    for seed in range(40):
        better, worse = pairs(good, group, seed=seed)
        seen |= set(zip(better.tolist(), worse.tolist(), strict=True))
        assert len(better) == 1
    # The groups in which all were alike make none.
    assert seen == {(0, 1), (0, 7), (2, 1), (2, 7)}
    none = pairs(good[3:5], group[3:5], seed=0)
    assert [len(one) for one in none] == [0, 0]


def test_dpo_at_the_reference_and_after_some_steps() -> None:
    made, batch = engine(), three()
    better, worse, before = np.array([0]), np.array([2]), scored(made, batch)

    def loss_now() -> float:
        loss = dpo_loss(made, batch, better=better, worse=worse, reference=before, beta=0.5)
        return made.forward_backward(batch, loss).loss

    assert loss_now() == pytest.approx(math.log(2), abs=1e-6)
    made.optim_step(lr=3e-3, clip=1.0)
    for _ in range(8):
        loss_now()
        made.optim_step(lr=3e-3, clip=1.0)
    now = scored(made, batch)
    margin = 0.5 * ((now[0] - before[0]) - (now[2] - before[2]))
    assert margin > 0.1
    assert loss_now() == pytest.approx(math.log1p(math.exp(-margin)), abs=1e-5)


def test_kto_weighs_both_kinds_alike() -> None:
    made, batch = engine(), three()
    good, before = np.array([True, False, False]), scored(made, batch)
    loss = kto_loss(made, batch, good=good, reference=before, beta=0.5)
    # Each episode's loss is 1/2; weights are 3/2, 3/4 and 3/4.
    assert made.forward_backward(batch, loss).loss == pytest.approx(0.5, abs=1e-6)
    made.optim_step(lr=3e-3, clip=1.0)
    for _ in range(8):
        made.forward_backward(batch, kto_loss(made, batch, good=good, reference=before, beta=0.5))
        made.optim_step(lr=3e-3, clip=1.0)
    gain = scored(made, batch) - before
    assert gain[0] > 0 > gain[1:].max()


def test_rise_weighs_by_reward() -> None:
    made, batch = engine(), three()
    reward = np.array([0.0, 1.0, 0.0, 0.0, -1.0, 0.0])
    logprobs = made.forward_backward(batch, None).logprobs
    turn = batch.turn[batch.sampled]
    each = [-float(logprobs[turn == k].mean()) for k in range(6)]
    # exp(r / 0.4) of 1 and -1.
    wanted = (each[0] + 12.18249 * each[1] + each[2] + each[3] + 0.08208 * each[4] + each[5]) / 6
    found = made.forward_backward(batch, rise_loss(made, batch, reward=reward)).loss
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("rewards", "kept"),
    [([0, 0, 1], [0, 2]), ([0.2, 0.1, 0.5, 1, 1], [0, 2, 3]), ([1, 0, 1], [0]), ([0, 0], [0])],
)
def test_rise_keeps_what_is_better_than_before(rewards: list[float], kept: list[int]) -> None:
    assert improved(np.array(rewards, dtype=np.float64)) == kept


def test_the_reference_is_what_was_sampled_with() -> None:
    batch = three()
    logprobs = np.where(batch.sampled, -0.5, 0).astype(np.float32)
    batch = msgspec.structs.replace(batch, logprobs=logprobs)
    found: Floats = reference(batch)
    assert found.tolist() == [-1.5, -1.5, -1.5]
    unknown = msgspec.structs.replace(batch, logprobs=np.where(batch.sampled, np.nan, 0).astype(np.float32))
    with pytest.raises(ConfigError, match="without log-probabilities"):
        reference(unknown)
