"""Agreement of raters: against numbers worked by hand, published examples, and scipy's correlations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError
from turnwise.metrics.agreement import (
    cohen_kappa,
    fleiss_kappa,
    krippendorff_alpha,
    pearson,
    spearman,
)

QUICK = 200
"""Resamples where the interval does not matter."""


def raters(table):
    """Two raters' labels from a table of counts: first[i], second[j] as often as table[i][j]."""
    pairs = [(i, j) for i, row in enumerate(table) for j, n in enumerate(row) for _ in range(n)]
    return [i for i, _ in pairs], [j for _, j in pairs]


# Cohen


def test_cohen_by_hand() -> None:
    got = cohen_kappa(*raters([[20, 5], [10, 15]]), resamples=QUICK)
    assert (got.observed, got.expected, got.value.mean) == pytest.approx((0.70, 0.50, 0.40))
    assert got.value.low < 0.40 < got.value.high
    # 25 + 30 of 100 ratings are the first label.
    assert got.prevalence == {0: 0.55, 1: 0.45}


def test_the_kappa_that_m2s_recomputes() -> None:
    # True positives 354, false positives 30, false negatives 0, true negatives 153 at threshold 0.25.
    got = cohen_kappa(*raters([[153, 30], [0, 354]]), resamples=QUICK)
    assert got.value.mean == pytest.approx(0.8705, abs=5e-5)
    assert got.observed == pytest.approx(0.9441, abs=5e-5)


def test_weighted_kappa_by_hand() -> None:
    # Margins (3, 3, 4) and (2, 3, 5). Steps apart: 2 of 10; by chance 88 of 100, or squared 134.
    table = [[2, 1, 0], [0, 2, 1], [0, 0, 4]]
    linear = cohen_kappa(*raters(table), weights="linear", resamples=QUICK)
    assert linear.value.mean == pytest.approx(1 - 0.2 / 0.88)
    quadratic = cohen_kappa(*raters(table), weights="quadratic", resamples=QUICK)
    assert quadratic.value.mean == pytest.approx(1 - 0.2 / 1.34)
    assert quadratic.value.mean == pytest.approx(
        (quadratic.observed - quadratic.expected) / (1 - quadratic.expected)
    )


def test_a_step_of_the_scale_that_nobody_used_has_its_place() -> None:
    first, second = [1, 1, 3, 3], [1, 3, 3, 3]
    # Places 0 and 1, or 0 and 2: for linear weights only a matter of units, so put in a rating in between.
    assert cohen_kappa(first, second, labels=[1, 2, 3], weights="linear", resamples=QUICK).value.mean == 0.5
    close = cohen_kappa([1, 2, 4], [2, 2, 4], weights="linear", resamples=QUICK)
    spaced = cohen_kappa([1, 2, 4], [2, 2, 4], weights="linear", labels=[1, 2, 3, 4], resamples=QUICK)
    # One step in one of three; by chance (2·1 + 2) + 1 + 2·1 = 7 of 9, or (2·1 + 3) + 2 + 2·2 = 11 of 9.
    assert close.value.mean == pytest.approx(1 - 3 / 7)
    assert spaced.value.mean == pytest.approx(1 - 3 / 11)


def test_one_class_only_is_no_kappa() -> None:
    got = cohen_kappa(["a"] * 4, ["a"] * 4, resamples=QUICK)
    assert math.isnan(got.value.mean)
    assert math.isnan(got.value.low)
    assert (got.observed, got.prevalence) == (1.0, {"a": 1.0})


def test_a_missing_rating_is_left_out_and_counted() -> None:
    got = cohen_kappa([1, 0, None, 1, 0], [1, 0, 1, math.nan, 0], resamples=QUICK)
    assert (got.value.mean, got.value.n, got.value.missing) == (1.0, 3, 2)


def test_nothing_to_compare() -> None:
    for got in (cohen_kappa([], []), fleiss_kappa([]), krippendorff_alpha([]), krippendorff_alpha([["a"]])):
        assert math.isnan(got.value.mean)
        assert got.value.n == 0
        assert math.isnan(got.observed)
        assert math.isnan(got.expected)
    assert math.isnan(pearson([], []).mean)
    assert math.isnan(spearman([1.0], [2.0]).mean)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(MetricError, match="expected 2 labels"):
        cohen_kappa([1, 2], [1])
    with pytest.raises(MetricError, match="'c' occurs"):
        cohen_kappa(["a"], ["c"], labels=["a", "b"])
    with pytest.raises(MetricError, match="same number"):
        fleiss_kappa([["a", "b"], ["a"]])
    with pytest.raises(MetricError, match="labels"):
        krippendorff_alpha([["a", "b"]], scale="interval")
    with pytest.raises(MetricError, match="scale: expected one of nominal, ordinal, interval, found 'ratio'"):
        krippendorff_alpha([[1, 2]], scale="ratio")  # type: ignore[arg-type]
    with pytest.raises(MetricError, match="weights: expected one of none, linear, quadratic, found 'Linear'"):
        cohen_kappa([1, 2], [1, 2], weights="Linear")  # type: ignore[arg-type]


# Several raters


def test_fleiss_by_hand() -> None:
    # Three raters; P_i are 1, 1/3, 1, 1/3, and either label is given six of twelve times.
    got = fleiss_kappa([[0, 0, 0], [0, 0, 1], [1, 1, 1], [0, 1, 1]], resamples=QUICK)
    assert (got.observed, got.expected, got.value.mean) == pytest.approx((2 / 3, 1 / 2, 1 / 3))


def test_fleiss_own_example() -> None:
    # Fleiss's table of 10 subjects and 14 raters as in the literature: P̄ 0.378, P_e 0.213, kappa 0.210.
    counts = [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ]
    got = fleiss_kappa([[j for j, n in enumerate(row) for _ in range(n)] for row in counts], resamples=QUICK)
    assert (got.observed, got.expected, got.value.mean) == pytest.approx((0.378, 0.213, 0.210), abs=5e-4)


_ = None
KRIPPENDORFF = list(
    zip(
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
        strict=True,
    )
)
"""Four observers, twelve units: the worked example of Krippendorff 2011, section C."""


@pytest.mark.parametrize(("scale", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example(scale: str, alpha: float) -> None:
    got = krippendorff_alpha(KRIPPENDORFF, scale=scale, resamples=QUICK)
    assert got.value.mean == pytest.approx(alpha, abs=5e-4)
    assert (got.value.n, got.value.missing) == (11, 1)
    assert got.value.mean == pytest.approx((got.observed - got.expected) / (1 - got.expected))


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval"])
def test_perfect_agreement_is_one_and_shuffled_labels_are_near_nought(scale: str) -> None:
    labels = [int(n) for n in np.random.default_rng(5).integers(0, 4, size=2000)]
    shuffled = [int(n) for n in np.random.default_rng(6).permutation(labels)]
    same = krippendorff_alpha([[a, a] for a in labels], scale=scale, resamples=QUICK)
    assert same.value.mean == pytest.approx(1.0)
    apart = krippendorff_alpha(list(zip(labels, shuffled, strict=True)), scale=scale, resamples=QUICK)
    assert apart.value.mean == pytest.approx(0.0, abs=0.06)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20))
def test_two_raters_are_alike_whoever_comes_first(pairs) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    for weights in ("none", "linear", "quadratic"):
        one = cohen_kappa(first, second, weights=weights, resamples=2).value.mean
        other = cohen_kappa(second, first, weights=weights, resamples=2).value.mean
        assert one == pytest.approx(other, nan_ok=True)
        assert math.isnan(one) or one <= 1


# Correlations


def test_correlations_are_scipys() -> None:
    draw = np.random.default_rng(3)
    x = draw.integers(1, 6, size=60).astype(float)
    y = x + draw.normal(scale=2, size=60).round()
    assert pearson(x, y, resamples=QUICK).mean == pytest.approx(stats.pearsonr(x, y).statistic)
    assert spearman(x, y, resamples=QUICK).mean == pytest.approx(stats.spearmanr(x, y).statistic)


def test_resampled_ranks_are_made_anew() -> None:
    # The interval over resamples with ranks made anew, against the plain loop with scipy.
    draw = np.random.default_rng(4)
    x = draw.integers(1, 6, size=25).astype(float)
    y = x + draw.normal(size=25).round()
    got = spearman(x, y, resamples=500, seed=9)
    weights = np.random.default_rng(9).multinomial(25, np.full(25, 1 / 25), size=500)
    plain = [stats.spearmanr(np.repeat(x, w), np.repeat(y, w)).statistic for w in weights]
    assert (got.low, got.high) == pytest.approx(tuple(np.quantile(plain, (0.025, 0.975))))


def test_a_rater_who_never_varies_correlates_with_nobody() -> None:
    assert math.isnan(pearson([1, 1, 1], [1, 2, 3], resamples=QUICK).mean)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3], resamples=QUICK).mean)


# Intervals


def test_clusters_are_resampled_whole() -> None:
    # Each of 40 items stands ten times: nothing is known but 40 items, whatever the rows say.
    draw = np.random.default_rng(11)
    first = [int(n) for n in draw.integers(0, 2, size=40)]
    second = [a if draw.random() < 0.8 else 1 - a for a in first]
    once = cohen_kappa(first, second)
    tenfold = cohen_kappa(first * 10, second * 10, clusters=[*range(40)] * 10)
    naive = cohen_kappa(first * 10, second * 10)
    assert (tenfold.value.low, tenfold.value.high) == pytest.approx((once.value.low, once.value.high))
    assert (tenfold.value.n, tenfold.value.clusters) == (400, 40)
    assert naive.value.se == pytest.approx(once.value.se / math.sqrt(10), rel=0.15)


def test_the_same_seed_gives_the_same_interval() -> None:
    first, second = raters([[20, 5], [10, 15]])
    assert cohen_kappa(first, second, seed=3) == cohen_kappa(first, second, seed=3)
    assert cohen_kappa(first, second, seed=3) != cohen_kappa(first, second, seed=4)


def test_an_interval_covers_as_often_as_it_says() -> None:
    # 200 samples of 60 pairs; the true kappa is 1 - 0.2 / 0.5 = 0.6.
    draw, covered = np.random.default_rng(2), 0
    for seed in range(200):
        first = draw.integers(0, 2, size=60)
        second = np.where(draw.random(60) < 0.8, first, 1 - first)
        got = cohen_kappa(first.tolist(), second.tolist(), resamples=400, seed=seed).value
        covered += got.low <= 0.6 <= got.high
    assert covered / 200 == pytest.approx(0.95, abs=0.04)
