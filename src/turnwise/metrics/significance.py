"""Tests and their corrections: sign-flip permutation, McNemar; Bonferroni, Holm, Benjamini-Hochberg."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from turnwise.metrics.distributions import fair_binomial_two_sided
from turnwise.metrics.values import FloatArray, IntArray, MetricError, Values, as_floats, present

CELLS = 1 << 20
"""Signs drawn at once. The result does not depend on it."""


class SignFlip(msgspec.Struct, frozen=True):
    """Result of `sign_flip`."""

    p: float
    """Two-sided p; nan without differences."""
    flips: int
    """How many sign patterns were looked at, the observed one included."""
    exact: bool
    """Whether those were all there are."""


def sign_flip(
    differences: Values,
    *,
    exact_up_to: int = 18,
    permutations: int = 100_000,
    seed: int | np.random.Generator = 0,
) -> SignFlip:
    """Two-sided paired permutation test: under exchange each difference may as well change sign.

    p is the share of sign patterns whose |sum| is at least the observed one. With at most `exact_up_to`
    differences that are not zero all patterns are enumerated; otherwise `permutations` are drawn and
    p = (b+1)/(m+1), which is never zero (Phipson & Smyth 2010, "Permutation P-values Should Never Be Zero").
    Missing differences are left out.
    """
    kept, _ = present(differences)
    if len(kept) == 0:
        return SignFlip(math.nan, 0, True)
    if permutations < 1:
        raise MetricError(f"permutations: expected at least 1, found {permutations}")
    nonzero = kept[kept != 0]
    # Sums that differ only by rounding are ties.
    bar = abs(float(nonzero.sum())) - 1e-12 * float(np.abs(nonzero).sum())
    if len(nonzero) <= exact_up_to:
        sums = np.zeros(1)
        for difference in nonzero:
            sums = np.concatenate([sums - difference, sums + difference])
        return SignFlip(float(np.mean(np.abs(sums) >= bar)), len(sums), True)
    reached = _draws_reaching(nonzero, bar, permutations, np.random.default_rng(seed))
    return SignFlip((reached + 1) / (permutations + 1), permutations + 1, False)


def _draws_reaching(differences: FloatArray, bar: float, draws: int, rng: np.random.Generator) -> int:
    reached = 0
    step = max(1, CELLS // len(differences))
    for start in range(0, draws, step):
        size = (min(step, draws - start), len(differences))
        signs = rng.integers(0, 2, size=size) * 2.0 - 1.0
        reached += int(np.count_nonzero(np.abs(signs @ differences) >= bar))
    return reached


def mcnemar(gained: int, lost: int) -> float:
    """Exact McNemar p of a change in binary verdicts, from the tasks that flipped (McNemar 1947).

    Exact and two-sided: twice the smaller binomial tail of `lost` in `gained + lost` fair coins, at most 1.
    """
    if gained < 0 or lost < 0:
        raise MetricError(f"mcnemar: expected counts of flipped tasks, found gained={gained}, lost={lost}")
    return fair_binomial_two_sided(lost, gained + lost)


def mcnemar_chi_squared(gained: int, lost: int) -> tuple[float, float]:
    """McNemar's statistic with continuity correction, (|b - c| - 1)² / (b + c), and its approximate p.

    For comparison with papers that print it; `mcnemar` is exact for any number. No flips give (nan, 1).
    """
    if gained < 0 or lost < 0:
        raise MetricError(f"mcnemar: expected counts of flipped tasks, found gained={gained}, lost={lost}")
    flipped = gained + lost
    if flipped == 0:
        return math.nan, 1.0
    statistic = max(0, abs(gained - lost) - 1) ** 2 / flipped
    # One degree of freedom: the tail of a squared normal.
    return statistic, math.erfc(math.sqrt(statistic / 2))


def bonferroni(p_values: Sequence[float | None]) -> list[float]:
    """Each p times their number, cut at 1, in the order given. Missing ones stay nan and do not count."""
    array, there = _p_values(p_values)
    return [min(1.0, float(p) * len(there)) if p == p else math.nan for p in array]


def benjamini_hochberg(p_values: Sequence[float | None]) -> list[float]:
    """Step-up adjusted p-values for the false discovery rate (Benjamini & Hochberg 1995), in the order given.

    The i-th smallest of m is multiplied by m/i, made monotone from the greatest down, and cut at 1. Missing
    ones stay nan and do not count in m.
    """
    array, there = _p_values(p_values)
    adjusted = np.full(len(array), math.nan)
    order = there[np.argsort(array[there], kind="stable")]
    steps = array[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1])
    return [float(p) for p in adjusted]


def holm(p_values: Sequence[float | None]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given (Holm 1979).

    The i-th smallest of m is multiplied by m-i+1, made monotone, and cut at 1. Missing ones stay nan and do
    not count in m.
    """
    array, there = _p_values(p_values)
    adjusted = np.full(len(array), math.nan)
    order = there[np.argsort(array[there], kind="stable")]
    steps = array[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(p) for p in adjusted]


def _p_values(values: Sequence[float | None]) -> tuple[FloatArray, IntArray]:
    """The p-values with nan for missing ones, and the places of those that are there."""
    array = as_floats(values, "p_values")
    if ((array < 0) | (array > 1)).any():
        raise MetricError("p_values: expected numbers from 0 to 1")
    return array, np.flatnonzero(~np.isnan(array))
