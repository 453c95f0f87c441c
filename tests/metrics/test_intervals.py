"""Means and shares: worked by hand, against scipy, and their properties."""

import json
import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.errors import TurnwiseError
from turnwise.metrics import (
    Estimate,
    MetricError,
    cluster_means,
    clustered_mean,
    clustered_proportion,
    mean,
    proportion,
    wilson,
)

scores = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
rows = st.lists(st.tuples(scores, st.integers(0, 4)), min_size=2, max_size=40)
verdict_rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=40)

# Three tasks, two epochs: A passes twice, B once, C never.
VERDICTS = [1, 1, 0, 1, 0, 0]
TASKS = ["A", "A", "B", "B", "C", "C"]


def close(a: Estimate, b: Estimate, tolerance: float = 1e-9) -> bool:
    pairs = [(a.mean, b.mean), (a.low, b.low), (a.high, b.high)]
    same = all(x == pytest.approx(y, rel=tolerance, abs=tolerance, nan_ok=True) for x, y in pairs)
    return same and (a.n, a.clusters, a.missing) == (b.n, b.clusters, b.missing)


def test_wilson_by_hand() -> None:
    # z² = 3.8414588; p = 0.8, n = 10: scale = 1 + z²/10 = 1.38414588
    # centre = (0.8 + z²/20) / scale = 0.99207294 / 1.38414588 = 0.71674031
    # half = 1.95996398 · √(0.016 + z²/400) / scale = 1.95996398 · 0.16001140 / 1.38414588 = 0.22657733
    low, high = wilson(8, 10)
    assert low == pytest.approx(0.71674 - 0.226577, abs=2e-5)
    assert high == pytest.approx(0.71674 + 0.226577, abs=2e-5)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (17, 50), (499, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_wilson_agrees_with_scipy(k: int, n: int, level: float) -> None:
    theirs = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert wilson(k, n, level=level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_mean_by_hand() -> None:
    # mean 3, s² = (4+1+0+1+4)/4 = 2.5, SE = √(2.5/5) = 0.70711, t(0.975; 4) = 2.776445: ± 1.963243
    got = mean([1, 2, 3, 4, 5])
    assert (got.mean, got.se, got.n, got.missing) == (3.0, pytest.approx(math.sqrt(0.5)), 5, 0)
    assert (got.low, got.high) == pytest.approx((3 - 1.963243, 3 + 1.963243), abs=1e-6)
    # normal: 1.959964 · 0.7071068 = 1.385904
    assert mean([1, 2, 3, 4, 5], method="normal").high == pytest.approx(3 + 1.385904, abs=1e-6)


@given(st.lists(scores, min_size=2, max_size=30).filter(lambda x: len(set(x)) > 1))
def test_mean_agrees_with_scipy(values: list[float]) -> None:
    got = mean(values, level=0.9)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (got.low, got.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9, abs=1e-9)


def test_clustered_error_by_hand() -> None:
    # mean 1/2; errors sum to A: 1, B: 0, C: -1; Σ squares = 2; n² = 36.
    by = {c: clustered_mean(VERDICTS, TASKS, correction=c) for c in ("none", "cr1", "miller")}
    assert by["none"].se ** 2 == pytest.approx(2 / 36)
    assert by["cr1"].se ** 2 == pytest.approx(2 / 36 * 3 / 2)
    # s² = 6·0.25/5 = 0.3, so s²/n = 0.05; pairs: A 2·0.25, B -2·0.25, C 2·0.25, in all 0.5.
    assert by["miller"].se ** 2 == pytest.approx(0.05 + 0.5 / 36)
    got = by["cr1"]
    # t(0.975; 2) = 4.302653; SE = √(1/12) = 0.288675: half = 1.242069
    assert (got.mean, got.n, got.clusters) == (0.5, 6, 3)
    assert (got.low, got.high) == pytest.approx((0.5 - 1.242069, 0.5 + 1.242069), abs=1e-6)


def test_clustered_proportion_by_hand() -> None:
    # SE² = 2/36, p(1-p) = 1/4: n_eff = 9/2; so Wilson on 2.25 of 4.5.
    got = clustered_proportion(VERDICTS, TASKS)
    assert (got.low, got.high) == pytest.approx(wilson(2.25, 4.5), abs=1e-12)
    assert (got.mean, got.n, got.clusters) == (0.5, 6, 3)


def test_repeating_the_same_verdicts_tells_nothing_new() -> None:
    verdicts, tasks = [1, 0, 1, 1, 0], list("abcde")
    once = clustered_proportion(verdicts, tasks)
    thrice = clustered_proportion(verdicts * 3, tasks * 3)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert clustered_mean(verdicts * 3, tasks * 3).se == pytest.approx(clustered_mean(verdicts, tasks).se)
    assert proportion(verdicts * 3).low > once.low  # what ignoring the tasks would have claimed


@given(st.lists(scores, min_size=2, max_size=30))
def test_singleton_clusters_give_the_usual_error(values: list[float]) -> None:
    usual = mean(values)
    for correction in ("cr1", "miller"):
        assert close(clustered_mean(values, range(len(values)), correction=correction), usual, 1e-8)


@given(st.lists(st.integers(0, 1), min_size=2, max_size=30))
def test_singleton_clusters_give_wilson(values: list[int]) -> None:
    assert close(clustered_proportion(values, range(len(values))), proportion(values), 1e-9)


@given(rows, st.randoms(use_true_random=False))
def test_order_does_not_matter(data: list[tuple[float, int]], rng: random.Random) -> None:
    shuffled = rng.sample(data, len(data))
    (values, tasks), (values_too, tasks_too) = zip(*data, strict=True), zip(*shuffled, strict=True)
    assert close(mean(values), mean(values_too), 1e-7)
    assert close(clustered_mean(values, tasks), clustered_mean(values_too, tasks_too), 1e-7)


@given(verdict_rows)
def test_intervals_contain_the_mean(data: list[tuple[int, int]]) -> None:
    values, tasks = [v for v, _ in data], [t for _, t in data]
    for got in (proportion(values), clustered_proportion(values, tasks)):
        assert 0 <= got.low <= got.mean + 1e-12
        assert got.mean - 1e-12 <= got.high <= 1
    for got in (mean(values), clustered_mean(values, tasks)):
        assert math.isnan(got.low) or got.low <= got.mean <= got.high
    assert proportion(values).mean == pytest.approx(sum(values) / len(values))


@given(verdict_rows, st.integers(1, 5))
def test_missing_verdicts_change_no_number_but_their_count(data: list[tuple[int, int]], holes: int) -> None:
    values: list[float | None] = [v for v, _ in data]
    tasks = [t for _, t in data]
    with_holes = [None, *values, *[math.nan] * (holes - 1)]
    tasks_too = [99, *tasks, *[99] * (holes - 1)]
    whole = [proportion(values), clustered_mean(values, tasks), clustered_proportion(values, tasks)]
    holed = [
        proportion(with_holes),
        clustered_mean(with_holes, tasks_too),
        clustered_proportion(with_holes, tasks_too),
    ]
    for a, b in zip(whole, holed, strict=True):
        assert b.missing == holes
        assert close(a, msgspec.structs.replace(b, missing=0))


@pytest.mark.parametrize("values", [[], [None, None]])
def test_without_any_value_nothing_is_claimed(values: list[None]) -> None:
    for got in (proportion(values), clustered_proportion(values, values)):
        assert math.isnan(got.mean)
        assert (got.low, got.high, got.n, got.missing) == (0.0, 1.0, 0, len(values))
    for got in (mean(values), clustered_mean(values, values)):
        assert all(math.isnan(x) for x in (got.mean, got.low, got.high))
        assert (got.n, got.clusters, got.missing) == (0, 0, len(values))


def test_one_value_or_one_cluster_has_a_mean_and_no_bounds() -> None:
    for got in (mean([2.0]), clustered_mean([1, 3], ["a", "a"])):
        assert got.mean == 2.0
        assert math.isnan(got.low)
        assert math.isnan(got.high)
    share = clustered_proportion([1, 0], ["a", "a"])
    assert (share.mean, share.low, share.high, share.clusters) == (0.5, 0.0, 1.0, 1)
    assert proportion([1]).low == pytest.approx(1 / (1 + 1.959963984540054**2))  # 1/(1+z²)


def test_all_equal_scores_have_no_width_but_all_solved_has() -> None:
    got = mean([0.7] * 4)
    assert (got.low, got.high) == pytest.approx((0.7, 0.7))
    solved = clustered_proportion([1] * 8, [0, 0, 1, 1, 2, 2, 3, 3])
    assert (solved.low, solved.high) == pytest.approx(wilson(4, 4))  # four tasks, not eight verdicts


def test_cluster_means_keep_order_and_missing() -> None:
    labels, means, counts = cluster_means([1, None, 3, 0], ["b", "a", "b", "c"])
    assert labels == ["b", "a", "c"]
    assert means.tolist() == pytest.approx([2.0, math.nan, 0.0], nan_ok=True)
    assert counts.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean([1.0, math.inf]), r"values\[1\]: expected a finite number"),
        (lambda: mean(["x"]), "values: expected numbers or None"),
        (lambda: mean(np.zeros((2, 2))), "expected one dimension, found 2"),
        (lambda: mean([1, 2], level=95), "level: expected a number between 0 and 1"),
        (lambda: proportion([0, 7]), r"values\[1\]: expected a verdict from 0 to 1 or None, found 7"),
        (lambda: clustered_mean([1, 2], ["a"]), "clusters: expected 2 labels"),
        (lambda: wilson(3, 2), "successes: expected 0 to n=2"),
    ],
)
def test_bad_input_is_one_clear_line(call, message: str) -> None:
    with pytest.raises(MetricError, match=message) as caught:
        call()
    assert isinstance(caught.value, TurnwiseError)
    assert "\n" not in str(caught.value)


def test_an_estimate_reads_well_and_is_json() -> None:
    got = clustered_proportion([*VERDICTS, None], [*TASKS, "C"])
    assert str(got) == f"0.500 [{got.low:.3f}, {got.high:.3f}] n=6 clusters=3 missing=1"
    assert json.loads(msgspec.json.encode(mean([2.0])))["low"] is None
