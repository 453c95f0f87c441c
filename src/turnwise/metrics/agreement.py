"""Do raters agree? Cohen's, weighted and Fleiss' kappa, Krippendorff's alpha, correlations, with intervals.

Raters are people, judges, or the same judge twice. Ratings of one dialogue, goal or task stand or fall
together: then give `clusters`, and whole clusters are resampled. A rating that is missing (None or nan) is
never a label of its own: where two raters are compared, the item is left out and counted as missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, TypeAlias, cast

import msgspec
import numpy as np

from turnwise.metrics.resampling import weighted_bootstrap
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import (
    FloatArray,
    IntArray,
    Labels,
    MetricError,
    Values,
    as_codes,
    as_floats,
    check_choice,
)

Weights: TypeAlias = Literal["none", "linear", "quadratic"]
"""How far apart two labels are: all alike, by |i - j|, or by (i - j)² of their places."""
Scale: TypeAlias = Literal["nominal", "ordinal", "interval"]
"""What labels are: names, ranks, or numbers whose differences mean something."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How well raters agree beyond chance: value = (observed - expected) / (1 - expected).

    Read the value beside `observed` and `prevalence`: where nearly all labels are one, chance agrees nearly
    always, and the value is low however often the raters agree (and nan where there is only one label).
    """

    value: Estimate
    """Kappa or alpha: 1 is perfect, 0 is what chance gives."""
    observed: float
    """Share of agreement; where labels can be near each other, 1 less the mean distance in units of the
    greatest. nan where there is nothing to compare."""
    expected: float
    """The same, had the raters drawn their labels at random."""
    prevalence: dict[Hashable, float]
    """Share of each label among all ratings that count, in the labels' order."""


def cohen_kappa(
    first: Labels,
    second: Labels,
    *,
    weights: Weights = "none",
    labels: Sequence[Hashable] | None = None,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Agreement of two raters on the same items (Cohen 1960, and 1968 for weights).

    κ = (p_o - p_e) / (1 - p_e) with p_e = Σ_k p1_k p2_k; weighted κ = 1 - Σ w_ij O_ij / Σ w_ij E_ij.

    Args:
        first: one label an item; None or nan where there is none.
        second: the other rater's.
        weights: how much it matters how far two labels are apart, by their places in `labels`.
        labels: all labels in their order; by default those that occur, sorted where they can be. A scale
            with steps that nobody used has to be given, where weights are.
        clusters: the dialogue, goal or task of each item, where several share one.
        resamples: of the percentile bootstrap of clusters.
        level: confidence level.
        seed: of the draws.

    Raises:
        MetricError: lengths differ, a label is not among `labels`, or there are no such `weights`.
    """
    check_choice(weights, Weights, "weights")
    if len(first) != len(second):
        raise MetricError(f"second: expected {len(first)} labels as in first, found {len(second)}")
    there = [not (_is_missing(a) or _is_missing(b)) for a, b in zip(first, second, strict=True)]
    kept_first = [a for a, ok in zip(first, there, strict=True) if ok]
    kept_second = [b for b, ok in zip(second, there, strict=True) if ok]
    known = _ordered([*kept_first, *kept_second], labels)
    place = {label: index for index, label in enumerate(known)}
    k = len(known)
    cells = np.array(
        [place[a] * k + place[b] for a, b in zip(kept_first, kept_second, strict=True)], dtype=np.int64
    )
    codes, count = _clusters(clusters, there)
    sums = np.zeros((count, k * k))
    np.add.at(sums, (codes, cells), 1.0)
    distance = _distance(k, weights)

    def parts(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
        tables = totals.reshape(len(totals), k, k)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = tables / tables.sum(axis=(1, 2), keepdims=True)
        chance = shares.sum(axis=2)[:, :, None] * shares.sum(axis=1)[:, None, :]
        return (shares * distance).sum(axis=(1, 2)), (chance * distance).sum(axis=(1, 2))

    table = sums.sum(axis=0).reshape(k, k)
    given = table.sum(axis=0) + table.sum(axis=1)
    return _agreement(parts, sums, given, known, there, resamples, level, seed)


def fleiss_kappa(
    ratings: Sequence[Sequence[Hashable]],
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Agreement of m raters, not the same ones for each item (Fleiss 1971).

    κ = (P̄ - Σ p_j²) / (1 - Σ p_j²), P_i = (Σ_j n_ij² - m) / (m (m - 1)).

    Args:
        ratings: for each item its m labels. An item with a missing one is left out; `krippendorff_alpha`
            uses what such items have.
        clusters: as in `cohen_kappa`.
        resamples: as in `cohen_kappa`.
        level: confidence level.
        seed: of the draws.

    Raises:
        MetricError: items differ in their number of ratings, or have fewer than two.
    """
    raters = {len(row) for row in ratings}
    if len(raters) > 1 or raters & {0, 1}:
        raise MetricError(
            f"ratings: expected the same number of labels an item, at least 2, found {sorted(raters)}; "
            f"krippendorff_alpha takes any number"
        )
    m = max(raters, default=2)
    there = [not any(_is_missing(label) for label in row) for row in ratings]
    kept = [row for row, ok in zip(ratings, there, strict=True) if ok]
    known, counts = _counts(kept, None)
    codes, count = _clusters(clusters, there)
    # For each cluster: items, sum of P_i, and how often each label was given.
    sums = np.zeros((count, 2 + len(known)))
    pairs = (np.square(counts).sum(axis=1) - m) / (m * (m - 1))
    np.add.at(sums, codes, np.concatenate([np.ones((len(kept), 1)), pairs[:, None], counts], axis=1))

    def parts(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = totals[:, 2:] / (m * totals[:, :1])
            return 1 - totals[:, 1] / totals[:, 0], 1 - np.square(shares).sum(axis=1)

    return _agreement(parts, sums, counts.sum(axis=0), known, there, resamples, level, seed)


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable]],
    *,
    scale: Scale = "nominal",
    labels: Sequence[Hashable] | None = None,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Agreement of any raters, of whom each rated what they rated (Krippendorff 2011): α = 1 - D_o / D_e.

    D_o is over the coincidence matrix, in which an item with m ratings counts each of its pairs 1/(m-1);
    D_e is over its margins without replacement. An item with fewer than two ratings is left out.

    Args:
        ratings: for each item its labels, any number; None or nan where a rater gave none.
        scale: `nominal` (equal or not), `ordinal` (how many ratings lie between), `interval` ((c - k)²,
            labels are numbers).
        labels: all labels in their order, for `ordinal`; by default those that occur, sorted.
        clusters: as in `cohen_kappa`.
        resamples: as in `cohen_kappa`.
        level: confidence level.
        seed: of the draws.

    Raises:
        MetricError: labels that `scale` cannot use, or no scale.
    """
    check_choice(scale, Scale, "scale")
    given = [[label for label in row if not _is_missing(label)] for row in ratings]
    there = [len(row) > 1 for row in given]
    kept = [row for row, ok in zip(given, there, strict=True) if ok]
    known, counts = _counts(kept, labels)
    k = len(known)
    numbers = (
        as_floats(cast("Values", known), "labels") if scale == "interval" else np.arange(k, dtype=np.float64)
    )
    codes, count = _clusters(clusters, there)
    sums = np.zeros((count, k * k))
    per_item = counts[:, :, None] * counts[:, None, :]
    per_item[:, np.arange(k), np.arange(k)] -= counts
    per_item /= (counts.sum(axis=1) - 1)[:, None, None]
    np.add.at(sums, codes, per_item.reshape(len(kept), k * k))

    def parts(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
        pairs = totals.reshape(len(totals), k, k)
        margins = pairs.sum(axis=2)
        total = margins.sum(axis=1)
        apart = _apart(margins, numbers, scale)
        chance = margins[:, :, None] * margins[:, None, :]
        greatest = apart.max(axis=(1, 2), keepdims=True, initial=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = apart / np.where(greatest > 0, greatest, 1.0)
            observed = (pairs * apart).sum(axis=(1, 2)) / total
            return observed, (chance * apart).sum(axis=(1, 2)) / (total * (total - 1))

    return _agreement(parts, sums, counts.sum(axis=0), known, there, resamples, level, seed)


def pearson(
    first: Values,
    second: Values,
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Linear correlation of two raters' numbers; nan where one of them never varies.

    Arguments as in `cohen_kappa`.
    """
    x, y, there = _pairs(first, second)
    codes, count = _clusters(clusters, there)
    # Centred first: the correlation is the same, and the sums lose no digits.
    x, y = x - (x.mean() if len(x) else 0.0), y - (y.mean() if len(y) else 0.0)
    sums = np.zeros((count, 6))
    np.add.at(sums, codes, np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1))

    def correlation(weight: FloatArray) -> FloatArray:
        n, sx, sy, sxx, syy, sxy = (weight @ sums).T
        return _ratio(sxy - sx * sy / n, sxx - sx * sx / n, syy - sy * sy / n)

    missing = len(there) - sum(there)
    return weighted_bootstrap(
        correlation, count, n=len(x), missing=missing, resamples=resamples, level=level, seed=seed
    )


def spearman(
    first: Values,
    second: Values,
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Rank correlation: Pearson's of the mid-ranks, ranked anew in each resample.

    Arguments as in `cohen_kappa`.
    """
    x, y, there = _pairs(first, second)
    codes, count = _clusters(clusters, there)

    def correlation(weight: FloatArray) -> FloatArray:
        rows = weight[:, codes]
        a, b = _mid_ranks(x, rows), _mid_ranks(y, rows)
        n = rows.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            a, b = (
                a - (rows * a).sum(axis=1, keepdims=True) / n,
                b - (rows * b).sum(axis=1, keepdims=True) / n,
            )
        return _ratio((rows * a * b).sum(axis=1), (rows * a * a).sum(axis=1), (rows * b * b).sum(axis=1))

    missing = len(there) - sum(there)
    return weighted_bootstrap(
        correlation, count, n=len(x), missing=missing, resamples=resamples, level=level, seed=seed
    )


def _mid_ranks(values: FloatArray, rows: FloatArray) -> FloatArray:
    """Mid-rank of each value in each resample rows[R, N], in which it stands as often as its weight says."""
    _, level = np.unique(values, return_inverse=True)
    size = int(level.max()) + 1 if len(level) else 0
    at = np.zeros((len(values), size))
    at[np.arange(len(values)), level] = 1.0
    held = rows @ at
    ranks = np.cumsum(held, axis=1) - held + (held + 1) / 2
    return ranks[:, level]


def _ratio(covariance: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
    """A correlation from sums of squares; nan where one of them is nought but for rounding."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = covariance / np.sqrt(first * second)
    return np.where((first > 1e-12) & (second > 1e-12), np.clip(found, -1.0, 1.0), math.nan)


def _pairs(first: Values, second: Values) -> tuple[FloatArray, FloatArray, list[bool]]:
    x, y = as_floats(first, "first"), as_floats(second, "second")
    if len(x) != len(y):
        raise MetricError(f"second: expected {len(x)} values as in first, found {len(y)}")
    there = ~(np.isnan(x) | np.isnan(y))
    return x[there], y[there], [bool(ok) for ok in there]


def _clusters(clusters: Labels | None, there: Sequence[bool]) -> tuple[IntArray, int]:
    """The cluster of each item that counts, numbered densely, and how many there are."""
    if clusters is None:
        count = sum(there)
        return np.arange(count), count
    _, codes = as_codes(clusters, len(there))
    distinct, dense = np.unique(codes[np.asarray(there, dtype=bool)], return_inverse=True)
    return dense, len(distinct)


def _counts(
    rows: Sequence[Sequence[Hashable]], labels: Sequence[Hashable] | None
) -> tuple[list[Hashable], FloatArray]:
    """The labels in order, and how often each item got each of them: counts[N, K]."""
    known = _ordered([label for row in rows for label in row], labels)
    place = {label: index for index, label in enumerate(known)}
    counts = np.zeros((len(rows), len(known)))
    for index, row in enumerate(rows):
        for label in row:
            counts[index, place[label]] += 1
    return known, counts


def _ordered(found: Sequence[Any], labels: Sequence[Hashable] | None) -> list[Hashable]:
    """All labels in order.

    Raises:
        MetricError: one that was found is not among those given.
    """
    distinct = dict.fromkeys(found)
    if labels is None:
        try:
            return sorted(distinct)
        except TypeError:
            return list(distinct)
    known = list(dict.fromkeys(labels))
    for label in distinct:
        if label not in known:
            raise MetricError(f"labels: {label!r} occurs, but is not among the labels given ({known})")
    return known


def _distance(k: int, weights: Weights) -> FloatArray:
    """How far two labels are apart, in units of the greatest distance: [K, K]."""
    steps = np.abs(np.subtract.outer(np.arange(k), np.arange(k))).astype(np.float64)
    if weights == "none":
        return (steps > 0).astype(np.float64)
    return (steps / max(1, k - 1)) ** (1 if weights == "linear" else 2)


def _apart(margins: FloatArray, numbers: FloatArray, scale: Scale) -> FloatArray:
    """Krippendorff's squared difference of two labels, for margins[R, K]: [R, K, K]."""
    k = len(numbers)
    if scale == "nominal":
        return np.broadcast_to(1.0 - np.eye(k), (len(margins), k, k))
    if scale == "interval":
        return np.broadcast_to(np.square(np.subtract.outer(numbers, numbers)), (len(margins), k, k))
    # Ratings from one label to the other, half of either end: a difference of middles.
    middle = np.cumsum(margins, axis=1) - margins / 2
    return np.square(middle[:, :, None] - middle[:, None, :])


def _beyond_chance(observed: FloatArray, expected: FloatArray) -> FloatArray:
    """1 - disagreement / that of chance; nan where chance cannot disagree."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 1e-12, 1 - observed / expected, math.nan)


def _agreement(
    parts: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    sums: FloatArray,
    given: FloatArray,
    known: Sequence[Hashable],
    there: Sequence[bool],
    resamples: int,
    level: float,
    seed: int,
) -> Agreement:
    """An agreement with its interval.

    Args:
        parts: Of totals[R, M] gives disagreement, observed and by chance.
        sums: What is summed, of each cluster: [C, M].
        given: How often each label was given.
        known: The labels.
        there: Which items count.
        resamples: Of the bootstrap.
        level: Of the interval.
        seed: Of the draws.
    """
    value = weighted_bootstrap(
        lambda weight: _beyond_chance(*parts(weight @ sums)),
        len(sums),
        n=sum(there),
        missing=len(there) - sum(there),
        resamples=resamples,
        level=level,
        seed=seed,
    )
    observed, expected = parts(sums.sum(axis=0)[None])
    total = float(given.sum())
    shares = {label: float(count) / total for label, count in zip(known, given, strict=True) if total}
    # Of nothing, the sums are nought, which is not to agree on all of it.
    told, chance = (1 - float(found[0]) if value.n else math.nan for found in (observed, expected))
    return Agreement(value=value, observed=told, expected=chance, prevalence=shares)


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))
