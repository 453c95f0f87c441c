"""How success and scores move with the turn: solved by turn k, score at the k-th turn, gap by distance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from turnwise.metrics.intervals import (
    clustered_mean,
    clustered_proportion,
    mean,
    proportion,
)
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import FloatArray, Labels, MetricError, Values, as_codes, as_floats


class Trend(msgspec.Struct, frozen=True):
    """Least-squares line through points."""

    slope: float
    """Change per step; nan from fewer than two distinct steps."""
    intercept: float
    """Value at step 0."""
    r2: float
    """Share of the points' variance on the line; nan where they do not vary."""


class SuccessCurve(msgspec.Struct, frozen=True):
    """Share of episodes solved by turn k = 1 … K."""

    solved: list[Estimate]
    """At index k-1 the share solved by turn k, with its band."""
    active: list[int] | None
    """At index k-1 how many episodes have a turn k; None where lengths were not given."""
    trend: Trend
    """Line through the shares, e.g. MINT's slope: the gain per further turn."""


def success_curve(
    solved_at: Sequence[int | None],
    *,
    turns: int,
    lengths: Sequence[int] | None = None,
    missing: Sequence[bool] | None = None,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> SuccessCurve:
    """Share of episodes solved by turn k, for k = 1 … `turns`, and the line through it.

    An episode that ended unsolved counts as unsolved at every k: its denominator is all episodes with a
    verdict, so the curve never falls.

    Args:
        solved_at: for each episode the turn (from 1) that solved it, or None: never.
        turns: K, the most turns an episode may take.
        lengths: the turns each episode took, to report how many were still going.
        missing: episodes without a verdict, such as infrastructure failures. They are in no share, whatever
            their `solved_at`, and are counted as missing.
        clusters: the task of each episode where tasks ran more than once; bands are then cluster-robust.
        level: of the bands: Wilson's, or with `clusters` Wilson's on the effective sample size.

    Raises:
        MetricError: for a turn below 1 or beyond its episode's length, or lists that differ in length.
    """
    if turns < 1:
        raise MetricError(f"turns: expected at least 1, found {turns}")
    when = _turn_of_success(solved_at, lengths)
    without = np.zeros(len(when), dtype=bool) if missing is None else np.asarray(missing, dtype=bool)
    if len(without) != len(when):
        raise MetricError(f"missing: expected {len(when)} flags, one an episode, found {len(without)}")
    shares: list[Estimate] = []
    for k in range(1, turns + 1):
        verdicts = np.where(without, math.nan, (when <= k).astype(np.float64))
        shares.append(
            proportion(verdicts, level=level)
            if clusters is None
            else clustered_proportion(verdicts, clusters, level=level)
        )
    taken = None if lengths is None else np.asarray(lengths)
    active = None if taken is None else [int((taken >= k).sum()) for k in range(1, turns + 1)]
    return SuccessCurve(shares, active, trend([share.mean for share in shares]))


def trend(values: Values, steps: Values | None = None) -> Trend:
    """Ordinary least squares of `values` on `steps` (1, 2, … unless given); missing points are left out.

    For five values the slope is (-2·v1 - v2 + v4 + 2·v5)/10, as in MINT (Wang et al. 2023).
    """
    y = as_floats(values)
    x = np.arange(1.0, len(y) + 1) if steps is None else as_floats(steps, "steps")
    if len(x) != len(y):
        raise MetricError(f"steps: expected {len(y)}, one a value, found {len(x)}")
    there = ~(np.isnan(x) | np.isnan(y))
    x, y = x[there], y[there]
    if len(x) < 2 or np.ptp(x) == 0:
        return Trend(math.nan, math.nan, math.nan)
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    r2 = float((dx @ dy) ** 2 / ((dx @ dx) * (dy @ dy))) if np.ptp(y) > 0 else math.nan
    return Trend(slope, float(y.mean() - slope * x.mean()), r2)


def turn_scores(
    scores: Sequence[Sequence[float | None]],
    *,
    turns: int | None = None,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> list[Estimate]:
    """Mean score at the k-th scored turn, for k = 1 … `turns` (default: the longest episode).

    Args:
        scores: for each episode the scores of its scored turns in order; None where the verdict is missing.
            Episodes may differ in length: one without a k-th scored turn is neither counted nor missing at k,
            so later points rest on fewer, longer episodes; `n` and `missing` say how many.
        turns: how many turns to report.
        clusters: the task of each episode; intervals are then cluster-robust.
        level: of the t intervals.
    """
    if clusters is not None and len(clusters) != len(scores):
        raise MetricError(f"clusters: expected {len(scores)} labels, one an episode, found {len(clusters)}")
    out: list[Estimate] = []
    for k in range(turns if turns is not None else max((len(row) for row in scores), default=0)):
        reached = [i for i, row in enumerate(scores) if len(row) > k]
        values = [scores[i][k] for i in reached]
        if clusters is None:
            out.append(mean(values, level=level))
        else:
            out.append(clustered_mean(values, [clusters[i] for i in reached], level=level))
    return out


class Gap(msgspec.Struct, frozen=True):
    """Multi-turn score less the score of the same question asked alone, at one distance."""

    distance: float
    """Turns between the question and what it refers to."""
    multi: float
    """Mean multi-turn score of the pairs."""
    single: float
    """Mean single-turn score of the pairs."""
    difference: Estimate
    """Mean of multi - single over the pairs; `missing` counts pairs that lack either score."""


def gap_by_distance(
    multi: Values,
    single: Values,
    distances: Values,
    *,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> list[Gap]:
    """Paired gap between multi-turn and single-turn scores for each distance, nearest first.

    After MT-Eval (Kwan et al. 2024), which relates the loss in conversation to how far back the relevant
    content lies.

    Args:
        multi: score of each question within its dialogue.
        single: score of its stand-alone twin.
        distances: turns back to the relevant content; a pair without one is left out wholly.
        clusters: the dialogue of each pair, as questions of one dialogue are not independent.
        level: of the intervals.
    """
    in_dialogue, alone, far = (
        as_floats(multi, "multi"),
        as_floats(single, "single"),
        as_floats(distances, "distances"),
    )
    if not len(in_dialogue) == len(alone) == len(far):
        raise MetricError(
            f"gap_by_distance: expected as many single ({len(alone)}) and distances ({len(far)}) "
            f"as multi ({len(in_dialogue)})"
        )
    codes = np.arange(len(far)) if clusters is None else as_codes(clusters, len(far))[1]
    return [
        _gap(
            float(distance),
            in_dialogue[far == distance],
            alone[far == distance],
            codes[far == distance],
            level,
        )
        for distance in np.unique(far[~np.isnan(far)])
    ]


def _gap(distance: float, multi: FloatArray, single: FloatArray, codes: np.ndarray, level: float) -> Gap:
    difference = clustered_mean(multi - single, codes, level=level)
    both = ~np.isnan(multi - single)
    if not both.any():
        return Gap(distance, math.nan, math.nan, difference)
    return Gap(distance, float(multi[both].mean()), float(single[both].mean()), difference)


def _turn_of_success(solved_at: Sequence[int | None], lengths: Sequence[int] | None) -> FloatArray:
    """The turn each episode was solved at, infinite where never."""
    when = np.array([math.inf if turn is None else turn for turn in solved_at], dtype=np.float64)
    if (bad := np.flatnonzero(~(when >= 1))).size:
        raise MetricError(
            f"solved_at[{bad[0]}]: expected a turn from 1 on or None, found {solved_at[bad[0]]}"
        )
    if lengths is None:
        return when
    if len(lengths) != len(when):
        raise MetricError(f"lengths: expected {len(when)}, one an episode, found {len(lengths)}")
    late = np.flatnonzero(np.isfinite(when) & (when > np.asarray(lengths)))
    if late.size:
        i = int(late[0])
        raise MetricError(
            f"solved_at[{i}]: expected a turn within the episode's {lengths[i]}, found {solved_at[i]}"
        )
    return when
