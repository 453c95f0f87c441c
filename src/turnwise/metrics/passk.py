"""pass@k and pass^k: one of k tries succeeds, or all of them do, estimated without bias from n ≥ k tries.

pass@k (Chen et al. 2021, "Evaluating Large Language Models Trained on Code", eq. 1) measures what a user who
may try again can reach; pass^k (Yao et al. 2024, "τ-bench") what a user who tries k times can rely on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from turnwise.metrics.intervals import clustered_mean, clustered_variance, effective_wilson
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import FloatArray, IntArray, Labels, MetricError, Values, as_codes, as_floats

Interval: TypeAlias = Literal["wilson", "t"]


@lru_cache(maxsize=65536)
def pass_at_k_of(n: int, c: int, k: int) -> float:
    """1 - C(n-c, k)/C(n, k): the chance that of k tries drawn from n, of which c succeeded, any did.

    Exact to the last bit (integers, divided once).

    Raises:
        MetricError: unless 0 <= c <= n and 1 <= k <= n.
    """
    _check_counts(n, c, k)
    ways = math.comb(n, k)
    return (ways - math.comb(n - c, k)) / ways


@lru_cache(maxsize=65536)
def pass_hat_k_of(n: int, c: int, k: int) -> float:
    """C(c, k)/C(n, k): the chance that of k tries drawn from n, of which c succeeded, all did.

    Raises:
        MetricError: unless 0 <= c <= n and 1 <= k <= n.
    """
    _check_counts(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def pass_at_k(
    values: Values,
    tasks: Labels,
    k: int,
    *,
    clusters: Labels | None = None,
    threshold: float = 1.0,
    level: float = 0.95,
    interval: Interval = "wilson",
) -> Estimate:
    """Mean over tasks of pass@k, every task weighing the same whatever its number of tries.

    Args:
        values: one score a try; a missing one is no try.
        tasks: the task of each try.
        k: tries a user makes.
        clusters: for tasks that come in families (questions on one text), the family of each try.
        threshold: a try succeeds when its score is at least this (less 1e-6, as τ-bench compares rewards).
        level: confidence level.
        interval: `wilson`, on the effective number of independent groups of k tries (it stays within [0, 1]
            and keeps its width at 0 and 1), or `t`, over tasks or `clusters`.

    Returns:
        The estimate; `n` counts the tasks with at least k tries, `missing` those with fewer.
    """
    return _over_tasks(pass_at_k_of, values, tasks, k, clusters, threshold, level, interval)


def pass_hat_k(
    values: Values,
    tasks: Labels,
    k: int,
    *,
    clusters: Labels | None = None,
    threshold: float = 1.0,
    level: float = 0.95,
    interval: Interval = "wilson",
) -> Estimate:
    """Mean over tasks of pass^k; arguments and result as of `pass_at_k`."""
    return _over_tasks(pass_hat_k_of, values, tasks, k, clusters, threshold, level, interval)


def pass_curve(
    values: Values,
    tasks: Labels,
    *,
    kind: Literal["at", "hat"] = "at",
    most: int | None = None,
    level: float = 0.95,
) -> list[Estimate]:
    """pass@k (`at`) or pass^k (`hat`) for k = 1, 2, … up to `most`, or to the tries of the least tried task.

    Up to that default every k rests on the same tasks, so the curve is monotone; beyond it tasks drop out and
    are counted as missing.
    """
    array = as_floats(values)
    if most is None:
        labels, codes = as_codes(tasks, len(array), "tasks")
        tries = np.bincount(codes[~np.isnan(array)], minlength=len(labels))
        most = int(tries[tries > 0].min()) if tries.any() else 0
    one = pass_at_k if kind == "at" else pass_hat_k
    return [one(array, tasks, k, level=level) for k in range(1, most + 1)]


def _over_tasks(
    one: Callable[[int, int, int], float],
    values: Values,
    tasks: Labels,
    k: int,
    clusters: Labels | None,
    threshold: float,
    level: float,
    interval: Interval,
) -> Estimate:
    if k < 1:
        raise MetricError(f"k: expected at least 1, found {k}")
    array = as_floats(values)
    labels, codes = as_codes(tasks, len(array), "tasks")
    there = ~np.isnan(array)
    tries: IntArray = np.bincount(codes[there], minlength=len(labels))
    passed: IntArray = np.bincount(codes[there & (array >= threshold - 1e-6)], minlength=len(labels))
    used = np.flatnonzero(tries >= k)
    rates = np.array([one(int(tries[task]), int(passed[task]), k) for task in used], dtype=np.float64)
    groups = _family_of_tasks(codes, len(labels), clusters)[used]
    missing = len(labels) - len(used)
    if interval == "t":
        return msgspec.structs.replace(clustered_mean(rates, groups, level=level), missing=missing)
    return _wilson_over_tasks(rates, groups, int((tries[used] // k).sum()), missing, level)


def _wilson_over_tasks(
    rates: FloatArray, groups: IntArray, most: int, missing: int, level: float
) -> Estimate:
    """`most`, the number of disjoint groups of k tries, bounds the effective sample size from above."""
    n = len(rates)
    share = float(rates.mean()) if n else math.nan
    variance = clustered_variance(rates, groups, "none") if n else math.nan
    count = len(np.unique(groups))
    return effective_wilson(share, variance, n, count, missing, most=most, level=level)


def _family_of_tasks(codes: IntArray, count: int, clusters: Labels | None) -> IntArray:
    """For each task the index of its cluster: itself where no clusters are given."""
    if clusters is None:
        return np.arange(count)
    _, families = as_codes(clusters, len(codes))
    of_task = np.zeros(count, dtype=np.int64)
    of_task[codes[::-1]] = families[::-1]  # the first try of a task decides
    if (of_task[codes] != families).any():
        where = int(np.flatnonzero(of_task[codes] != families)[0])
        raise MetricError(f"clusters[{where}]: expected one cluster for all tries of a task, found two")
    return of_task


def _check_counts(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n or not 1 <= k <= n:
        raise MetricError(f"pass of k={k}: expected 0 <= c <= n and 1 <= k <= n, found n={n}, c={c}")
