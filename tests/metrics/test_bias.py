"""Position, length and family: what a judge prefers for no good reason."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.metrics import MetricError
from turnwise.metrics.bias import length_bias, pair_accuracy, position_bias, self_preference

WORDS = ["first", "second", "tie", None]


def test_a_judge_of_the_first_place() -> None:
    got = position_bias(["first"] * 6, ["first"] * 6)
    assert (got.consistency.mean, got.bias.mean) == (0.0, 1.0)
    assert got.winners == ("tie",) * 6
    right = pair_accuracy(["first"] * 6, ["first"] * 6, ["A", "B"] * 3)
    assert (right.mean.mean, right.consistent.mean) == (0.5, 0.0)


def test_a_judge_of_content() -> None:
    got = position_bias(["first", "second", "tie"], ["second", "first", "tie"])
    assert (got.consistency.mean, got.bias.mean) == (1.0, 0.0)
    assert got.winners == ("A", "B", "tie")
    right = pair_accuracy(["first", "second"], ["second", "first"], ["A", "A"])
    assert (right.mean.mean, right.consistent.mean) == (0.5, 0.5)


def test_by_hand() -> None:
    # Winners A/A, A/B, A/tie, -/B: three pairs count, one is consistent; decisive are four first, one second.
    got = position_bias(["first", "first", "first", None], ["second", "first", "tie", "first"])
    assert got.consistency.mean == pytest.approx(1 / 3)
    assert (got.consistency.n, got.consistency.missing) == (3, 1)
    assert got.bias.mean == pytest.approx((4 - 1) / 5)
    assert got.winners == ("A", "tie", "tie", None)


@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)), min_size=1, max_size=12))
def test_naming_the_pairs_the_other_way_round_changes_nothing(pairs) -> None:
    forward, backward = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = position_bias(forward, backward), position_bias(backward, forward)
    assert one.consistency.mean == pytest.approx(other.consistency.mean, nan_ok=True)
    assert one.bias.mean == pytest.approx(other.bias.mean, nan_ok=True)
    swap = {"A": "B", "B": "A", "tie": "tie", None: None}
    assert one.winners == tuple(swap[winner] for winner in other.winners)


def test_words_that_are_none() -> None:
    with pytest.raises(MetricError, match=r"forward\[1\].*'A'"):
        position_bias(["first", "A"], ["first", "first"])
    with pytest.raises(MetricError, match="expected 1"):
        pair_accuracy(["first"], ["first"], [])


def test_length_tells_all_or_nothing() -> None:
    lengths = np.random.default_rng(0).integers(20, 2000, size=300)
    told = length_bias(lengths / 100, lengths, resamples=50)
    assert (told.line.r2, told.line.slope, told.spearman.mean) == pytest.approx((1.0, 0.01, 1.0))
    free = length_bias(np.random.default_rng(1).random(300), lengths, resamples=50)
    assert free.line.r2 == pytest.approx(0, abs=0.02)
    assert free.spearman.low < 0 < free.spearman.high


def test_a_family_that_prefers_itself() -> None:
    # Own judges let it win 3 of 4, others 1 of 4.
    got = self_preference([1, 1, 1, 0, 1, 0, 0, 0], [True] * 4 + [False] * 4)
    assert got.mean == 0.5
    assert got.low < 0.5 < got.high
    assert math.isnan(self_preference([1, 0], [True, True]).mean)
