"""Bootstrap intervals of any statistic: percentile and BCa, seeded, in chunks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from turnwise.metrics.distributions import normal_cdf, normal_quantile
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import (
    FloatArray,
    IntArray,
    Labels,
    MetricError,
    Values,
    as_codes,
    as_floats,
    check_level,
    present,
)

Statistic: TypeAlias = Callable[[FloatArray], FloatArray]
"""Of samples[R, N] (R resamples of N rows; further axes belong to the row) the R values of the statistic."""
Method: TypeAlias = Literal["bca", "percentile"]

CELLS = 1 << 20
"""Numbers drawn at once: 8 MiB of indices. The result does not depend on it."""


def row_mean(samples: FloatArray) -> FloatArray:
    """Mean of each resample: the default statistic."""
    return samples.mean(axis=1)


def row_median(samples: FloatArray) -> FloatArray:
    """Median of each resample."""
    return np.median(samples, axis=1)


def bootstrap(
    values: Values,
    *,
    statistic: Statistic = row_mean,
    method: Method = "bca",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """A statistic of independent values with its bootstrap interval.

    `percentile` takes quantiles of the resampled statistic; `bca` corrects them for bias and skew (Efron
    1987; jackknife acceleration). Where BCa is undefined (every resample on one side of the estimate, or no
    variation when one value is left out) the percentile interval is given, and `method` says so. `se` is the
    standard deviation of the resampled statistic. Fewer than two values give nan bounds.

    Args:
        values: independent values; missing ones are left out. For epochs use `clustered_bootstrap`.
        statistic: maps samples[R, N] to R values, e.g. `row_median`.
        method: `bca` or `percentile`.
        resamples: how many resamples to draw.
        level: confidence level.
        seed: of the draws, or a Generator to draw from.
    """
    kept, missing = present(values)
    point, low, high, se, used = _interval(kept, statistic, method, resamples, level, seed)
    return Estimate(point, low, high, len(kept), len(kept), missing, f"{used} bootstrap", level, se)


def clustered_bootstrap(
    values: Values,
    clusters: Labels,
    *,
    method: Method = "bca",
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """Mean of values in clusters, by resampling whole clusters (Davison & Hinkley 1997, section 3.8).

    Every value weighs the same, as in `clustered_mean`. One cluster, or none, gives nan bounds.
    """
    array = as_floats(values)
    there = ~np.isnan(array)
    _, codes = as_codes(clusters, len(array))
    codes = np.unique(codes[there], return_inverse=True)[1]
    sums_and_counts = (np.bincount(codes, weights=array[there]), np.bincount(codes))
    rows: FloatArray = np.stack(sums_and_counts, axis=1, dtype=np.float64)
    point, low, high, se, used = _interval(rows, _ratio, method, resamples, level, seed)
    missing = int((~there).sum())
    return Estimate(
        point, low, high, int(there.sum()), len(rows), missing, f"{used} cluster bootstrap", level, se
    )


def _ratio(samples: FloatArray) -> FloatArray:
    totals = samples.sum(axis=1)
    return totals[:, 0] / totals[:, 1]


def _interval(
    rows: FloatArray,
    statistic: Statistic,
    method: Method,
    resamples: int,
    level: float,
    seed: int | np.random.Generator,
) -> tuple[float, float, float, float, str]:
    """Point, low, high, standard error and the method that was used."""
    check_level(level)
    if resamples < 1:
        raise MetricError(f"resamples: expected at least 1, found {resamples}")
    if len(rows) == 0:
        return math.nan, math.nan, math.nan, math.nan, method
    point = float(statistic(rows[None])[0])
    if len(rows) == 1:
        return point, math.nan, math.nan, math.nan, method
    replicates = _resample(rows, statistic, resamples, np.random.default_rng(seed))
    se = float(replicates.std(ddof=1)) if resamples > 1 else math.nan
    tails = ((1 - level) / 2, (1 + level) / 2)
    used = method
    if method == "bca":
        corrected = _bca_tails(point, replicates, _jackknife(rows, statistic), tails)
        tails, used = (corrected, "bca") if corrected else (tails, "percentile")
    low, high = (float(bound) for bound in np.quantile(replicates, tails))
    return point, low, high, se, used


def _resample(rows: FloatArray, statistic: Statistic, resamples: int, rng: np.random.Generator) -> FloatArray:
    out = np.empty(resamples)
    step = max(1, CELLS // rows.size)
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        picks: IntArray = rng.integers(0, len(rows), size=(count, len(rows)))
        out[start : start + count] = statistic(rows[picks])
    return out


def _jackknife(rows: FloatArray, statistic: Statistic) -> FloatArray:
    """The statistic with each row left out in turn: N values, in O(N) for means, else in O(N²)."""
    n = len(rows)
    if statistic is row_mean:
        return (rows.sum() - rows) / (n - 1)
    if statistic is _ratio:
        return _ratio((rows.sum(axis=0) - rows)[:, None])
    out = np.empty(n)
    step = max(1, CELLS // rows.size)
    others = np.arange(n - 1)
    for start in range(0, n, step):
        left_out = np.arange(start, min(start + step, n))[:, None]
        out[start : start + step] = statistic(rows[others + (others >= left_out)])
    return out


def _bca_tails(
    point: float, replicates: FloatArray, jackknife: FloatArray, tails: tuple[float, float]
) -> tuple[float, float] | None:
    """The tail shares after bias correction and acceleration, or None where they are undefined."""
    below = (np.count_nonzero(replicates < point) + np.count_nonzero(replicates <= point)) / (
        2 * len(replicates)
    )
    bias = normal_quantile(below)
    away = jackknife.mean() - jackknife
    spread = float(np.square(away).sum())
    if not math.isfinite(bias) or spread <= 1e-24 * max(1.0, point * point):
        return None
    acceleration = float((away**3).sum()) / (6 * spread**1.5)

    def corrected(tail: float) -> float:
        shifted = bias + normal_quantile(tail)
        return normal_cdf(bias + shifted / (1 - acceleration * shifted))

    return corrected(tails[0]), corrected(tails[1])


def weighted_bootstrap(
    statistic: Callable[[FloatArray], FloatArray],
    clusters: int,
    *,
    n: int,
    missing: int = 0,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int | np.random.Generator = 0,
) -> Estimate:
    """A statistic with its percentile interval, by resampling whole clusters, given as weights.

    A resample draws `clusters` of the clusters with replacement; a cluster's weight is how often it came. So
    any statistic of sums over clusters is one product `weights @ sums[C, M]`. Resamples in which the
    statistic is undefined (nan: all ratings alike) are left out, and where more than half are, so are the
    bounds.

    Args:
        statistic: of weights[R, C] gives R values; all ones give the point estimate.
        clusters: how many there are; fewer than two give nan bounds.
        n: how many values the statistic rests on, as the estimate says.
        missing: how many are not there.
        resamples: how many resamples to draw.
        level: confidence level.
        seed: of the draws, or a Generator to draw from.
    """
    check_level(level)
    if resamples < 1:
        raise MetricError(f"resamples: expected at least 1, found {resamples}")
    method = "percentile cluster bootstrap" if clusters != n else "percentile bootstrap"
    point = float(statistic(np.ones((1, clusters)))[0]) if clusters else math.nan
    low = high = se = math.nan
    if clusters > 1 and not math.isnan(point):
        rng = np.random.default_rng(seed)
        drawn: list[FloatArray] = []
        step = max(1, CELLS // max(clusters, n))
        for start in range(0, resamples, step):
            size = min(step, resamples - start)
            weights = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=size)
            drawn.append(statistic(weights.astype(np.float64)))
        replicates = np.concatenate(drawn)
        replicates = replicates[~np.isnan(replicates)]
        if 2 * len(replicates) > resamples:
            low, high = (float(b) for b in np.quantile(replicates, ((1 - level) / 2, (1 + level) / 2)))
            se = float(replicates.std(ddof=1)) if len(replicates) > 1 else math.nan
    return Estimate(point, low, high, n, clusters, missing, method, level, se)
