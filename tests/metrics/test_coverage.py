"""The intervals cover the truth as often as they say: summed exactly where possible, else simulated."""

import numpy as np
import pytest
from scipy import stats

from turnwise.metrics import (
    clustered_bootstrap,
    clustered_mean,
    clustered_proportion,
    mean,
    proportion,
    wilson,
)


@pytest.mark.parametrize("n", [10, 40, 200])
def test_wilson_covers_95_percent_on_average(n: int) -> None:
    # Exact: sum the binomial chances of the counts whose interval holds p; average over p.
    bounds = np.array([wilson(k, n) for k in range(n + 1)])
    shares = np.linspace(0.02, 0.98, 97)
    covered = (bounds[:, 0] <= shares[:, None]) & (shares[:, None] <= bounds[:, 1])
    coverage = (covered * stats.binom.pmf(np.arange(n + 1), n, shares[:, None])).sum(axis=1)
    assert coverage.mean() == pytest.approx(0.95, abs=0.01)
    assert coverage.min() > 0.82


def test_clustered_intervals_cover_where_naive_ones_do_not() -> None:
    # 40 tasks with success rates from Beta(1, 0.5), mean 2/3; 5 epochs each; 600 runs of that evaluation.
    rng = np.random.default_rng(11)
    runs, tasks, epochs, truth = 600, 40, 5, 2 / 3
    labels = np.repeat(np.arange(tasks), epochs)
    hits = {"clustered_mean": 0, "clustered_proportion": 0, "proportion": 0, "mean": 0}
    for _ in range(runs):
        rates = rng.beta(1, 0.5, size=tasks)
        values = (rng.random((tasks, epochs)) < rates[:, None]).astype(float).ravel()
        for name, got in {
            "clustered_mean": clustered_mean(values, labels),
            "clustered_proportion": clustered_proportion(values, labels),
            "proportion": proportion(values),
            "mean": mean(values),
        }.items():
            hits[name] += got.low <= truth <= got.high
    # Monte Carlo error of a share of 0.95 over 600 runs: √(0.95·0.05/600) = 0.009; three of them.
    for name in ("clustered_mean", "clustered_proportion"):
        assert hits[name] / runs == pytest.approx(0.95, abs=0.027), name
    for name in ("proportion", "mean"):
        assert hits[name] / runs < 0.85, name


def test_cluster_bootstrap_covers_as_theory_says() -> None:
    # The bootstrap of C means is close to ± z·s·√((C-1)/C)/√C, which for normal data covers
    # P(|t_29| < 1.96·√(29/30)) = 0.936 with C = 30: less than 0.95, which is why t is the default.
    expected = 1 - 2 * stats.t.sf(stats.norm.ppf(0.975) * np.sqrt(29 / 30), 29)
    rng = np.random.default_rng(12)
    runs, tasks, hits = 1500, 30, 0
    labels = np.repeat(np.arange(tasks), 3)
    for seed in range(runs):
        values = np.repeat(rng.normal(size=tasks), 3) + 0.5 * rng.normal(size=3 * tasks)
        got = clustered_bootstrap(values, labels, resamples=400, seed=seed)
        hits += got.low <= 0 <= got.high
    # Three Monte Carlo errors, √(0.936·0.064/1500) = 0.0063 each.
    assert hits / runs == pytest.approx(expected, abs=0.019)
