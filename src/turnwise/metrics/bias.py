"""What a judge prefers for no good reason: the first place, the longer answer, its own family.

Pairwise verdicts are told by position (`first`, `second`, `tie`); each pair is judged in both orders,
`forward` with A first and `backward` with B first. A verdict that is missing (None) in either order leaves
its pair out of everything, and is counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, cast

import msgspec
import numpy as np

from turnwise.metrics.agreement import spearman
from turnwise.metrics.curves import Trend, trend
from turnwise.metrics.intervals import clustered_mean, clustered_proportion
from turnwise.metrics.resampling import weighted_bootstrap
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import FloatArray, Labels, MetricError, Values, as_codes, as_floats

Place: TypeAlias = Literal["first", "second", "tie"]
"""Who won, by position."""
Winner: TypeAlias = Literal["A", "B", "tie"]
"""Who won, whatever the order."""

_PLACES: dict[str, float] = {"first": 1.0, "second": -1.0, "tie": 0.0}
_WINNERS: dict[str, float] = {"A": 1.0, "B": -1.0, "tie": 0.0}


class PositionBias(msgspec.Struct, frozen=True, kw_only=True):
    """How a judge's word depends on the order in which it is shown a pair."""

    consistency: Estimate
    """Share of pairs with the same winner in both orders."""
    bias: Estimate
    """Share won by the first place less share won by the second, among verdicts that are no tie; from -1 to
    1, 0 is none."""
    winners: tuple[Winner | None, ...]
    """The word of both orders together: the winner they agree on, else a tie; None where one is missing."""


class PairAccuracy(msgspec.Struct, frozen=True, kw_only=True):
    """How often a judge prefers what people prefer."""

    mean: Estimate
    """Share right, over both orders."""
    consistent: Estimate
    """Share right in both orders."""


def position_bias(
    forward: Sequence[Place | None],
    backward: Sequence[Place | None],
    *,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> PositionBias:
    """Judge each pair in both orders: does the order decide?

    Args:
        forward: who won where A was shown first.
        backward: who won where B was.
        clusters: what pairs share, where they do.
        level: confidence level.

    Raises:
        MetricError: lengths differ, or a word is none of `first`, `second`, `tie`.
    """
    a_first, b_first = _both(forward, backward)
    groups = list(range(len(forward))) if clusters is None else list(clusters)
    # By who won: +1 A, -1 B. In the backward order the first place is B.
    same = np.where(np.isnan(a_first) | np.isnan(b_first), math.nan, a_first == -b_first)
    decisive = [np.where(np.isnan(same) | (x == 0), math.nan, x) for x in (a_first, b_first)]
    winners: list[Winner | None] = [
        None if math.isnan(agrees) else _winner(one) if agrees else "tie"
        for agrees, one in zip(same, a_first, strict=True)
    ]
    return PositionBias(
        consistency=clustered_proportion(same, groups, level=level),
        bias=clustered_mean(np.concatenate(decisive), groups * 2, level=level),
        winners=tuple(winners),
    )


def pair_accuracy(
    forward: Sequence[Place | None],
    backward: Sequence[Place | None],
    labels: Sequence[Winner | None],
    *,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> PairAccuracy:
    """Agreement with people's preferences over both orders; arguments as in `position_bias`.

    Raises:
        MetricError: lengths differ, or a word is not one of those expected.
    """
    a_first, b_first = _both(forward, backward)
    truth = _numbers(labels, _WINNERS, "labels")
    if len(truth) != len(a_first):
        raise MetricError(f"labels: expected {len(a_first)} labels, one a pair, found {len(truth)}")
    groups = list(range(len(forward))) if clusters is None else list(clusters)
    gone = np.isnan(a_first) | np.isnan(b_first) | np.isnan(truth)
    right = [np.where(gone, math.nan, winner == truth) for winner in (a_first, -b_first)]
    return PairAccuracy(
        mean=clustered_mean((right[0] + right[1]) / 2, groups, level=level),
        consistent=clustered_proportion(right[0] * right[1], groups, level=level),
    )


class LengthBias(msgspec.Struct, frozen=True, kw_only=True):
    """How far length alone tells a verdict."""

    line: Trend
    """Least squares of verdict on length; `r2` is the share of the verdicts' variance that length tells."""
    spearman: Estimate
    """Their rank correlation."""


def length_bias(
    verdicts: Values,
    lengths: Values,
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> LengthBias:
    """Scores against the lengths of what they judge; or, of pairs, verdicts against length differences.

    Correlation is no proof of bias: longer answers may be better. Compare with people's labels' own.

    Args:
        verdicts: scores, or 1, 0.5, 0 for A, tie, B.
        lengths: of each answer, or A's less B's.
        clusters: what answers share, where they do.
        resamples: of the bootstrap.
        level: confidence level.
        seed: of the draws.
    """
    said, long = as_floats(verdicts, "verdicts"), as_floats(lengths, "lengths")
    ranks = spearman(said, long, clusters=clusters, resamples=resamples, level=level, seed=seed)
    there = ~(np.isnan(said) | np.isnan(long))
    return LengthBias(line=trend(said[there], long[there]), spearman=ranks)


def self_preference(
    wins: Values,
    own: Sequence[bool],
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Win rate of a family's answers with judges of that family, less that with other judges.

    Args:
        wins: of comparisons in which one side is the family's: 1 it won, 0.5 a tie, 0 it lost.
        own: whether the judge was of the family.
        clusters: the prompt of each comparison: the same ones should stand on both sides.
        resamples: of the bootstrap.
        level: confidence level.
        seed: of the draws.

    Raises:
        MetricError: lengths differ.
    """
    won = as_floats(wins, "wins")
    if len(own) != len(won):
        raise MetricError(f"own: expected {len(won)} entries, one a comparison, found {len(own)}")
    there = ~np.isnan(won)
    _, codes = as_codes(range(len(won)) if clusters is None else list(clusters), len(won))
    distinct, dense = np.unique(codes[there], return_inverse=True)
    mine = np.asarray(own, dtype=np.float64)[there]
    kept = won[there]
    sums = np.zeros((len(distinct), 4))
    np.add.at(sums, dense, np.stack([mine, mine * kept, 1 - mine, (1 - mine) * kept], axis=1))

    def difference(weight: FloatArray) -> FloatArray:
        totals = weight @ sums
        with np.errstate(invalid="ignore", divide="ignore"):
            return totals[:, 1] / totals[:, 0] - totals[:, 3] / totals[:, 2]

    return weighted_bootstrap(
        difference,
        len(distinct),
        n=len(kept),
        missing=len(won) - len(kept),
        resamples=resamples,
        level=level,
        seed=seed,
    )


def _both(forward: Sequence[str | None], backward: Sequence[str | None]) -> tuple[FloatArray, FloatArray]:
    if len(forward) != len(backward):
        raise MetricError(f"backward: expected {len(forward)} verdicts as in forward, found {len(backward)}")
    return _numbers(forward, _PLACES, "forward"), _numbers(backward, _PLACES, "backward")


def _numbers(words: Sequence[str | None], known: dict[str, float], name: str) -> FloatArray:
    """Words as numbers, None as nan."""
    for index, word in enumerate(words):
        if word is not None and word not in known:
            raise MetricError(f"{name}[{index}]: expected {', '.join(known)} or None, found {word!r}")
    return np.array([math.nan if word is None else known[word] for word in words], dtype=np.float64)


def _winner(value: float) -> Winner:
    return cast("Winner", next(name for name, number in _WINNERS.items() if number == value))
