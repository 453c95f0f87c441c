"""Comparing two runs on the same tasks: difference, intervals, p, and which tasks changed.

Each task's epochs are averaged first, so a task is one pair however often it ran. Pairing removes what makes
tasks differ in difficulty, usually the larger part of the variance (Miller 2024, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Literal

import msgspec
import numpy as np

from turnwise.metrics.intervals import cluster_means, clustered_mean
from turnwise.metrics.resampling import clustered_bootstrap
from turnwise.metrics.significance import mcnemar, sign_flip
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import FloatArray, IntArray, Labels, MetricError, Values, as_codes


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Run B against run A on the tasks that both scored. Differences are B - A."""

    a: Estimate
    """Mean over the shared tasks in run A."""
    b: Estimate
    """Mean over the shared tasks in run B."""
    difference: Estimate
    """Mean difference with its t interval, cluster-robust where clusters were given. `missing` counts the
    tasks that only one run scored."""
    bootstrap: Estimate
    """The same difference with its bootstrap interval."""
    p: float
    """Two-sided p of the sign-flip permutation test; nan without shared tasks."""
    exact: bool
    """Whether all sign patterns were enumerated."""
    flips: int
    """How many sign patterns were looked at."""
    mcnemar: float | None
    """Exact McNemar p; None unless every task's mean is 0 or 1 in both runs (and clusters were not given)."""
    improved: tuple[Hashable, ...]
    """Tasks with a higher mean in B."""
    worse: tuple[Hashable, ...]
    """Tasks with a lower mean in B."""
    same: int
    """How many tasks have the same mean in both."""
    gained: tuple[Hashable, ...]
    """Tasks that flipped to solved: mean below `solved` in A and not in B."""
    lost: tuple[Hashable, ...]
    """Tasks that flipped from solved."""
    only_a: tuple[Hashable, ...]
    """Tasks that only run A scored: left out of everything above."""
    only_b: tuple[Hashable, ...]
    """Tasks that only run B scored."""
    correlation: float
    """Correlation of the task means of both runs: how much pairing helps; nan where one does not vary."""

    @property
    def flipped(self) -> tuple[Hashable, ...]:
        """Tasks whose verdict changed, either way."""
        return self.gained + self.lost


def compare(
    values_a: Values,
    tasks_a: Labels,
    values_b: Values,
    tasks_b: Labels,
    *,
    clusters: Mapping[Hashable, Hashable] | None = None,
    solved: float = 0.5,
    level: float = 0.95,
    resamples: int = 10_000,
    method: Literal["bca", "percentile"] = "bca",
    exact_up_to: int = 18,
    permutations: int = 100_000,
    seed: int = 0,
) -> Comparison:
    """Run B against run A, task by task.

    Args:
        values_a: scores of run A, one an episode; missing ones are left out of their task's mean.
        tasks_a: the task of each score of run A.
        values_b: scores of run B.
        tasks_b: the task of each score of run B. Epochs and order need not agree with run A's.
        clusters: the family of each task, for tasks that are not independent (questions on one text);
            intervals and the permutation test then treat a family as one.
        solved: a task counts as solved from this mean on, for `gained` and `lost`.
        level: confidence level.
        resamples: of the bootstrap.
        method: of the bootstrap.
        exact_up_to: enumerate the permutation test up to so many tasks (or clusters) that differ.
        permutations: draws beyond that.
        seed: of bootstrap and permutation draws.

    Without shared tasks all numbers are nan; with one (or one cluster) the bounds are nan and p is 1.
    """
    pairs = _pair(values_a, tasks_a, values_b, tasks_b)
    groups = _groups(pairs.tasks, clusters)
    delta = _difference(pairs)
    alone = len(pairs.only_a) + len(pairs.only_b)
    test = sign_flip(
        np.bincount(groups, weights=delta) if len(delta) else delta,
        exact_up_to=exact_up_to,
        permutations=permutations,
        seed=seed,
    )
    gained = (pairs.a < solved) & (pairs.b >= solved)
    lost = (pairs.a >= solved) & (pairs.b < solved)
    drawn = clustered_bootstrap(delta, groups, method=method, resamples=resamples, level=level, seed=seed)
    return Comparison(
        a=clustered_mean(pairs.a, groups, level=level),
        b=clustered_mean(pairs.b, groups, level=level),
        difference=msgspec.structs.replace(clustered_mean(delta, groups, level=level), missing=alone),
        bootstrap=msgspec.structs.replace(drawn, missing=alone),
        p=test.p,
        exact=test.exact,
        flips=test.flips,
        mcnemar=_mcnemar_of(pairs, clusters),
        improved=_named(pairs.tasks, delta > 0),
        worse=_named(pairs.tasks, delta < 0),
        same=int(np.count_nonzero(delta == 0)),
        gained=_named(pairs.tasks, gained),
        lost=_named(pairs.tasks, lost),
        only_a=pairs.only_a,
        only_b=pairs.only_b,
        correlation=_correlation(pairs.a, pairs.b),
    )


class _Pairs(msgspec.Struct, frozen=True):
    tasks: tuple[Hashable, ...]
    a: FloatArray
    b: FloatArray
    only_a: tuple[Hashable, ...]
    only_b: tuple[Hashable, ...]


def _pair(values_a: Values, tasks_a: Labels, values_b: Values, tasks_b: Labels) -> _Pairs:
    """Task means of both runs on the shared tasks, in run A's order."""
    means_a, means_b = _task_means(values_a, tasks_a), _task_means(values_b, tasks_b)
    shared = tuple(task for task in means_a if task in means_b)
    return _Pairs(
        shared,
        np.array([means_a[task] for task in shared], dtype=np.float64),
        np.array([means_b[task] for task in shared], dtype=np.float64),
        tuple(task for task in means_a if task not in means_b),
        tuple(task for task in means_b if task not in means_a),
    )


def _task_means(values: Values, tasks: Labels) -> dict[Hashable, float]:
    labels, means, counts = cluster_means(values, tasks)
    return {task: float(mean) for task, mean, n in zip(labels, means, counts, strict=True) if n}


def _difference(pairs: _Pairs) -> FloatArray:
    """B - A; means that differ only by the rounding of their sums are the same."""
    equal = np.isclose(pairs.a, pairs.b, rtol=1e-12, atol=1e-15)
    return np.where(equal, 0.0, pairs.b - pairs.a)


def _groups(tasks: tuple[Hashable, ...], clusters: Mapping[Hashable, Hashable] | None) -> IntArray:
    if clusters is None:
        return np.arange(len(tasks))
    absent = [task for task in tasks if task not in clusters]
    if absent:
        raise MetricError(f"clusters: expected a cluster for every shared task, found none for {absent[0]!r}")
    return as_codes([clusters[task] for task in tasks], len(tasks))[1]


def _mcnemar_of(pairs: _Pairs, clusters: Mapping[Hashable, Hashable] | None) -> float | None:
    both = np.concatenate([pairs.a, pairs.b])
    if clusters is not None or len(both) == 0 or not np.isin(both, (0.0, 1.0)).all():
        return None
    delta = _difference(pairs)
    return mcnemar(int((delta > 0).sum()), int((delta < 0).sum()))


def _named(tasks: tuple[Hashable, ...], chosen: np.ndarray) -> tuple[Hashable, ...]:
    return tuple(tasks[i] for i in np.flatnonzero(chosen))


def _correlation(a: FloatArray, b: FloatArray) -> float:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(np.corrcoef(a, b)[0, 1])
