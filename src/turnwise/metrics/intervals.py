"""Means and shares with intervals: Wilson for verdicts, t for scores, cluster-robust where values repeat.

Several epochs of one task are not independent: they stand or fall together. Then give `clusters` (the task
of each value) to `clustered_mean` or `clustered_proportion`; an interval that ignores them is too narrow.

What an interval cannot be made from gives nan bounds, never an error: no value at all, one value, one
cluster. A share has [0, 1] there, since that much is known.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np

from turnwise.metrics.distributions import normal_quantile, t_quantile
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import (
    FloatArray,
    Labels,
    MetricError,
    Values,
    as_codes,
    as_floats,
    check_level,
    check_unit_interval,
    present,
)

Correction: TypeAlias = Literal["cr1", "miller", "none"]
"""Small-sample correction of the cluster-robust error; see `clustered_mean`."""


def wilson(successes: float, n: float, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927).

    centre = (p + z²/2n) / (1 + z²/n), half = z √(p(1-p)/n + z²/4n²) / (1 + z²/n).

    Args:
        successes: how many succeeded; a fraction where an effective sample size is used.
        n: how many were tried; none gives [0, 1].
        level: confidence level.

    Raises:
        MetricError: unless 0 <= successes <= n.
    """
    z = normal_quantile((1 + check_level(level)) / 2)
    if not 0 <= successes <= n:
        raise MetricError(f"successes: expected 0 to n={n}, found {successes}")
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At the ends the bound is exactly 0 or 1; and rounding must not put p outside its own interval.
    return max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p))


def proportion(values: Values, *, level: float = 0.95) -> Estimate:
    """Share of successes among independent verdicts (0 or 1), with Wilson's interval.

    For partial credit in [0, 1] the interval is conservative, as p(1-p) bounds the variance.
    """
    kept, missing = present(values)
    check_unit_interval(kept)
    n = len(kept)
    share = min(1.0, float(kept.mean())) if n else math.nan
    low, high = wilson(share * n if n else 0, n, level=level)
    se = math.sqrt(share * (1 - share) / n) if n else math.nan
    return Estimate(share, low, high, n, n, missing, "wilson", level, se)


def mean(values: Values, *, level: float = 0.95, method: Literal["t", "normal"] = "t") -> Estimate:
    """Mean of independent values, with mean ± q·s/√n.

    `method` sets q: Student's t with n-1 degrees of freedom, or the normal quantile (Miller 2024, section
    2.1). Fewer than two values give nan bounds; equal values give an interval of no width.
    """
    kept, missing = present(values)
    n = len(kept)
    centre = float(kept.mean()) if n else math.nan
    se = float(kept.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return symmetric(centre, se, n, n, missing, method, level, df=n - 1 if method == "t" else None)


def clustered_mean(
    values: Values, clusters: Labels, *, level: float = 0.95, correction: Correction = "cr1"
) -> Estimate:
    """Mean of values that come in clusters (epochs of a task), with a cluster-robust standard error.

    With e_ic = s_ic - mean, n values and C clusters, SE² = (1/n²) Σ_c (Σ_i e_ic)² times a correction:

    - `cr1` (default): C/(C-1). With one value a cluster this is exactly the usual s²/n.
    - `miller`: none on pairs, n/(n-1) on the squares: the clustered standard error as printed in Miller
      2024, "Adding Error Bars to Evals", section 2.2: SE² = s²/n + (1/n²) Σ_c Σ_i Σ_{j≠i} e_ic·e_jc.
    - `none`: the plain sandwich, too small for few clusters.

    The interval is mean ± t·SE with C-1 degrees of freedom. Every value weighs the same, so a task with more
    epochs weighs more; for equal tasks take `cluster_means` first and their `mean`. One cluster, or none,
    gives nan bounds. A cluster whose values are all missing is not counted.
    """
    kept, codes, missing = _present_in_clusters(values, clusters)
    n, count = len(kept), _distinct(codes)
    centre = float(kept.mean()) if n else math.nan
    se = math.sqrt(clustered_variance(kept, codes, correction)) if count > 1 else math.nan
    return symmetric(centre, se, n, count, missing, f"cluster-robust t ({correction})", level, df=count - 1)


def clustered_proportion(values: Values, clusters: Labels, *, level: float = 0.95) -> Estimate:
    """Share of successes among verdicts in clusters: Wilson's interval with the effective sample size.

    n_eff = p(1-p)/SE², SE² the uncorrected cluster-robust variance; so one verdict a cluster gives exactly
    Wilson on n, and clusters of equal size that agree within give exactly Wilson on their number. Unlike
    `clustered_mean` it stays inside [0, 1] and keeps its width when all succeed or all fail (n_eff is then
    the number of clusters, the cautious choice). n_eff never exceeds n. Compared with others in Franco,
    Little, Louis & Slud 2019, "Comparative Study of Confidence Intervals for Proportions in Complex Sample
    Surveys". One cluster gives [0, 1].
    """
    kept, codes, missing = _present_in_clusters(values, clusters)
    check_unit_interval(kept)
    n, count = len(kept), _distinct(codes)
    share = float(kept.mean()) if n else math.nan
    variance = clustered_variance(kept, codes, "none") if n else math.nan
    return effective_wilson(share, variance, n, count, missing, most=n, level=level)


def cluster_means(values: Values, clusters: Labels) -> tuple[list[object], FloatArray, FloatArray]:
    """Labels in order of first appearance, the mean of each one's values (nan if none), and their count."""
    array = as_floats(values)
    labels, codes = as_codes(clusters, len(array))
    there = ~np.isnan(array)
    counts = np.bincount(codes[there], minlength=len(labels)).astype(np.float64)
    sums = np.bincount(codes[there], weights=array[there], minlength=len(labels))
    with np.errstate(invalid="ignore"):
        means = sums / counts
    return list(labels), means, counts


def clustered_variance(kept: FloatArray, codes: np.ndarray, correction: Correction) -> float:
    """SE² of the mean of `kept` (nothing missing); formula and corrections in `clustered_mean`."""
    n, clusters = len(kept), _distinct(codes)
    errors = kept - kept.mean()
    sandwich = float(np.square(np.bincount(codes, weights=errors)).sum()) / n**2
    if correction == "none":
        return sandwich
    if correction == "cr1":
        return sandwich * clusters / (clusters - 1)
    squares = float(np.square(errors).sum())
    return squares / (n * (n - 1)) + sandwich - squares / n**2


def symmetric(
    centre: float,
    se: float,
    n: int,
    clusters: int,
    missing: int,
    method: str,
    level: float,
    *,
    df: int | None,
) -> Estimate:
    """`centre` ± q·`se`, q of Student's t with `df` degrees of freedom, or normal where df is None."""
    p = (1 + check_level(level)) / 2
    if math.isnan(se):
        return Estimate(centre, math.nan, math.nan, n, clusters, missing, method, level, se)
    half = se * (normal_quantile(p) if df is None else t_quantile(p, df))
    return Estimate(centre, centre - half, centre + half, n, clusters, missing, method, level, se)


def effective_wilson(
    share: float, variance: float, n: int, clusters: int, missing: int, *, most: float, level: float
) -> Estimate:
    """Wilson's interval on n_eff = share(1-share)/variance, at most `most`; see `clustered_proportion`.

    Where the variance says nothing because all clusters are at 0 or at 1, n_eff is `clusters`.
    """
    method = "wilson, effective n"
    if clusters < 2:
        check_level(level)
        return Estimate(share, 0.0, 1.0, n, clusters, missing, method, level)
    spread = share * (1 - share)
    if spread <= 1e-12:
        share, size = float(round(share)), float(min(clusters, most))
    else:
        size = min(most, spread / variance) if variance > 0 else most
    low, high = wilson(share * size, size, level=level)
    return Estimate(share, low, high, n, clusters, missing, method, level, math.sqrt(variance))


def _present_in_clusters(values: Values, clusters: Labels) -> tuple[FloatArray, np.ndarray, int]:
    array = as_floats(values)
    _, codes = as_codes(clusters, len(array))
    there = ~np.isnan(array)
    return array[there], codes[there], int((~there).sum())


def _distinct(codes: np.ndarray) -> int:
    return len(np.unique(codes))
