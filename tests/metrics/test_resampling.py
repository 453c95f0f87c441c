"""Bootstrap intervals: in closed form, against scipy, and independent of chunking."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from turnwise.metrics import MetricError, bootstrap, clustered_bootstrap, mean, row_mean, row_median
from turnwise.metrics.resampling import CELLS

SKEWED = np.random.default_rng(7).exponential(size=23)


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize(("ours", "theirs"), [(row_mean, np.mean), (row_median, np.median)])
def test_same_draws_give_scipys_interval(method: str, ours, theirs) -> None:
    got = bootstrap(SKEWED, statistic=ours, method=method, resamples=2000, level=0.9, seed=3)
    want = stats.bootstrap(
        (SKEWED,),
        theirs,
        n_resamples=2000,
        confidence_level=0.9,
        method=method,
        random_state=np.random.default_rng(3),
    )
    bounds = (want.confidence_interval.low, want.confidence_interval.high)
    assert (got.low, got.high) == pytest.approx(bounds, rel=1e-9)
    assert got.se == pytest.approx(want.standard_error)
    assert got.method == f"{method} bootstrap"


def test_two_values_by_hand() -> None:
    # Means of resamples of {0, 1}: 0, 1/2, 1 with chances 1/4, 1/2, 1/4; se of one such mean: √(1/8).
    wide = bootstrap([0, 1], method="percentile", resamples=20_000)
    assert (wide.mean, wide.low, wide.high) == (0.5, 0.0, 1.0)
    assert wide.se == pytest.approx(math.sqrt(1 / 8), rel=0.02)
    middle = bootstrap([0, 1], method="percentile", level=0.4, resamples=20_000)  # quantiles 0.3 and 0.7
    assert (middle.low, middle.high) == (0.5, 0.5)


def test_clusters_are_drawn_whole() -> None:
    # Two clusters, all 0 and all 1: the same three means as above, however many values they hold.
    got = clustered_bootstrap([0] * 50 + [1] * 50, ["a"] * 50 + ["b"] * 50, method="percentile", level=0.4)
    assert (got.mean, got.low, got.high, got.n, got.clusters) == (0.5, 0.5, 0.5, 100, 2)
    assert got.se == pytest.approx(math.sqrt(1 / 8), rel=0.03)


def test_unequal_clusters_resample_the_pooled_mean() -> None:
    # Clusters (3 values, sum 3) and (1 value, sum 0): pooled means 1, 3/4, 0 with chances 1/4, 1/2, 1/4.
    got = clustered_bootstrap([1, 1, 1, 0], ["a", "a", "a", "b"], method="percentile", level=0.4)
    assert (got.mean, got.low, got.high) == (0.75, 0.75, 0.75)


def test_singleton_clusters_give_the_plain_bootstrap() -> None:
    plain = bootstrap(SKEWED, resamples=500, seed=1)
    clustered = clustered_bootstrap(SKEWED, range(len(SKEWED)), resamples=500, seed=1)
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high), rel=1e-12)


def test_the_short_way_for_means_is_the_long_way() -> None:
    def pooled(samples: np.ndarray) -> np.ndarray:
        return samples.mean(axis=1)

    short, long = bootstrap(SKEWED, seed=2), bootstrap(SKEWED, statistic=pooled, seed=2)
    assert (short.low, short.high) == pytest.approx((long.low, long.high), rel=1e-12)
    # Clusters of equal size: the pooled mean is the mean of cluster means.
    clustered = clustered_bootstrap(np.repeat(SKEWED, 2), np.repeat(np.arange(len(SKEWED)), 2), seed=2)
    assert (clustered.low, clustered.high) == pytest.approx((long.low, long.high), rel=1e-12)


def test_chunking_bounds_memory_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bootstrap(SKEWED, resamples=300, seed=5)
    largest = 0

    def watched(samples: np.ndarray) -> np.ndarray:
        nonlocal largest
        largest = max(largest, samples.size)
        return samples.mean(axis=1)

    monkeypatch.setattr("turnwise.metrics.resampling.CELLS", 100)
    chunked = bootstrap(SKEWED, statistic=watched, resamples=300, seed=5)
    assert (chunked.low, chunked.high, chunked.se) == (whole.low, whole.high, whole.se)
    assert largest <= 100 < CELLS


@settings(max_examples=30)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=15), st.integers(0, 5))
def test_bounds_are_ordered_within_the_data_and_repeatable(values: list[float], seed: int) -> None:
    got = bootstrap(values, resamples=200, seed=seed)
    assert min(values) - 1e-9 <= got.low <= got.high <= max(values) + 1e-9
    assert str(got) == str(bootstrap(values, resamples=200, seed=seed))


def test_edges() -> None:
    for values, n in (([], 0), ([None], 0), ([4.0], 1)):
        got = bootstrap(values)
        assert (got.n, got.missing) == (n, len(values) - n)
        assert math.isnan(got.low)
        assert math.isnan(got.high)
    assert math.isnan(clustered_bootstrap([1, 0], ["a", "a"]).low)
    flat = bootstrap([0.1] * 9)
    assert (flat.low, flat.high) == pytest.approx((0.1, 0.1))
    assert flat.method == "percentile bootstrap"  # leaving one out changes nothing: BCa is undefined


def test_bias_that_cannot_be_measured_falls_back_and_says_so() -> None:
    # Every resample lies above the estimate, so no finite bias corrects for it.
    def shifted(samples: np.ndarray) -> np.ndarray:
        return samples.mean(axis=1) if len(samples) == 1 else samples.mean(axis=1) + 100

    assert bootstrap([1, 2, 3], statistic=shifted, resamples=50).method == "percentile bootstrap"


def test_large_samples_agree_with_t() -> None:
    values = np.random.default_rng(0).normal(size=2000)
    ours, theirs = bootstrap(values, resamples=4000), mean(values)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)


def test_bad_settings() -> None:
    with pytest.raises(MetricError, match="resamples: expected at least 1"):
        bootstrap([1, 2], resamples=0)
    with pytest.raises(MetricError, match="level"):
        bootstrap([1, 2], level=1.0)
