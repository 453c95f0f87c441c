"""Does a judge know when it is right? Its confidence as a forecast, and thresholds fitted to people's labels.

A forecast is a confidence from 0 to 1 and whether the judgement was right (1) or wrong (0). Where either is
missing, the row is left out and counted: a confidence nobody gave is not 0.5. Definitions follow ObjexMT's
analysis (Kim et al. 2025, arXiv 2508.16889): ECE, Brier, Wrong@t, risk against coverage, the F1 scan.
Intervals are percentile bootstraps over `clusters` (the dialogue or goal that rows share), or over rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec
import numpy as np

from turnwise.metrics.intervals import clustered_proportion
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
    check_unit_interval,
)

Binning: TypeAlias = Literal["width", "mass"]
"""Bins of equal width [lo, hi), the last closed; or of equal numbers of forecasts, ties kept together."""
Aim: TypeAlias = Literal["f1", "accuracy", "kappa", "youden"]
"""What a threshold shall make greatest."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of about the same confidence."""

    low: float
    high: float
    n: int
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of them that was right."""


class Brier(msgspec.Struct, frozen=True, kw_only=True):
    """The Brier score and its parts: score = reliability - resolution + uncertainty (Murphy 1973)."""

    score: Estimate
    """Mean (confidence - right)²; 0 is best."""
    reliability: float
    """How far confidences are from the shares that were right, where grouped by equal confidence."""
    resolution: float
    """How far those shares are from the share of all."""
    uncertainty: float
    """Share right x share wrong: what always saying the share would score."""


class RiskCoverage(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong among the judgements one would keep, the most confident first."""

    coverage: tuple[float, ...]
    """k / N for k = 1 … N."""
    risk: tuple[float, ...]
    """Share wrong among the first k; equal confidences in the order given."""
    area: Estimate
    """Under the curve, by trapezoids from coverage 1/N on."""


def brier(
    confidence: Values,
    right: Values,
    *,
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Brier:
    """The Brier score of forecasts, and its parts.

    Args:
        confidence: from 0 to 1, one a judgement.
        right: whether it was right, 0 or 1.
        clusters: what judgements share, where they do.
        resamples: of the bootstrap.
        level: confidence level.
        seed: of the draws.

    Raises:
        MetricError: a confidence is out of range, or `right` is neither 0 nor 1.
    """
    rows = _forecasts(confidence, right, clusters)
    errors = _summed(rows, np.stack([np.ones_like(rows.said), (rows.said - rows.right) ** 2], axis=1))
    score = _boot(lambda weight: _quotient(weight @ errors), rows, resamples, level, seed)
    share = float(rows.right.mean()) if len(rows.right) else math.nan
    _, group = np.unique(rows.said, return_inverse=True)
    n, said, were = _per_bin(group, rows)
    weight = n / max(1, len(rows.said))
    return Brier(
        score=score,
        reliability=float((weight * (said - were) ** 2).sum()) if len(n) else math.nan,
        resolution=float((weight * (were - share) ** 2).sum()) if len(n) else math.nan,
        uncertainty=share * (1 - share),
    )


def expected_calibration_error(
    confidence: Values,
    right: Values,
    *,
    bins: int = 10,
    binning: Binning = "width",
    clusters: Labels | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """ECE = Σ_b n_b / N · |mean confidence - share right|, empty bins left out.

    Bins are fixed before resampling. Arguments as in `brier`; `bins` is how many.
    """
    rows = _forecasts(confidence, right, clusters)
    group, _ = _binned(rows.said, bins, binning)
    # Of each bin the sum of (confidence - right), and as the last column the number of rows.
    away = np.zeros((len(rows.said), bins + 1))
    away[np.arange(len(rows.said)), group] = rows.said - rows.right
    away[:, bins] = 1.0
    sums = _summed(rows, away)

    def error(weight: FloatArray) -> FloatArray:
        totals = weight @ sums
        return _quotient(np.stack([totals[:, bins], np.abs(totals[:, :bins]).sum(axis=1)], axis=1))

    return _boot(error, rows, resamples, level, seed)


def reliability(
    confidence: Values, right: Values, *, bins: int = 10, binning: Binning = "width"
) -> list[Bin]:
    """The reliability diagram: of each bin that is not empty, what was said and what came true."""
    rows = _forecasts(confidence, right, None)
    group, edges = _binned(rows.said, bins, binning)
    found: list[Bin] = []
    for index in range(bins):
        held = group == index
        if held.any():
            found.append(
                Bin(
                    low=float(edges[index]),
                    high=float(edges[index + 1]),
                    n=int(held.sum()),
                    confidence=float(rows.said[held].mean()),
                    accuracy=float(rows.right[held].mean()),
                )
            )
    return found


def wrong_at(
    confidence: Values,
    right: Values,
    threshold: float,
    *,
    clusters: Labels | None = None,
    level: float = 0.95,
) -> Estimate:
    """Wrong@t: the share wrong among judgements of confidence `threshold` and above; `n` says how many."""
    rows = _forecasts(confidence, right, clusters)
    sure = rows.said >= threshold
    found = clustered_proportion(1 - rows.right[sure], rows.codes[sure], level=level)
    return msgspec.structs.replace(found, missing=rows.missing)


def risk_coverage(
    confidence: Values,
    right: Values,
    *,
    clusters: Labels | None = None,
    resamples: int = 1_000,
    level: float = 0.95,
    seed: int = 0,
) -> RiskCoverage:
    """Risk against coverage, and the area under it (AURC). Arguments as in `brier`."""
    rows = _forecasts(confidence, right, clusters)
    order = np.argsort(-rows.said, kind="stable")
    wrong = 1 - rows.right[order]
    n = len(wrong)
    ranks = np.arange(1, n + 1)

    def area(weight: FloatArray) -> FloatArray:
        drawn = weight[:, rows.codes][:, order].astype(np.int64)
        return np.array([_area(np.repeat(wrong, times)) for times in drawn], dtype=np.float64)

    return RiskCoverage(
        coverage=tuple(float(k) for k in ranks / max(1, n)),
        risk=tuple(float(risk) for risk in np.cumsum(wrong) / ranks),
        area=_boot(area, rows, resamples, level, seed),
    )


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Judgements against labels, both yes or no."""

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        """How many there are."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def precision(self) -> float:
        """Right among those it said yes to; nan where it never did."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float:
        """Found among those that are yes; nan where none is."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float:
        """2 tp / (2 tp + fp + fn); nan where there is no yes on either side."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def accuracy(self) -> float:
        """Share right."""
        return _share(self.tp + self.tn, self.n)

    @property
    def youden(self) -> float:
        """Sensitivity + specificity - 1; nan where a class is empty."""
        return self.recall + _share(self.tn, self.tn + self.fp) - 1

    @property
    def kappa(self) -> float:
        """Cohen's; nan where chance agrees always."""
        yes, no = self.tp + self.fn, self.fp + self.tn
        said, unsaid = self.tp + self.fp, self.fn + self.tn
        expected = _share(yes * said + no * unsaid, self.n**2)
        return (self.accuracy - expected) / (1 - expected) if expected < 1 else math.nan


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold fitted to labels."""

    value: float
    """Scores from this on count as yes."""
    aim: Aim
    fitted: Confusion
    """On the labels it was fitted to: flattering."""
    held_out: Confusion | None = None
    """On the rest, which it never saw; None where it was fitted to all."""


def fit_threshold(
    scores: Values,
    labels: Values,
    *,
    aim: Aim = "f1",
    candidates: Sequence[float] | None = None,
    share: float = 1.0,
    clusters: Labels | None = None,
    seed: int = 0,
) -> Threshold:
    """The first of the thresholds that make `aim` greatest; scores at or above it count as yes.

    Args:
        scores: of a judge, one an item. Items without a score or a label are left out.
        labels: of people, 0 or 1.
        aim: what to make greatest; where it is undefined it is worst.
        candidates: thresholds to try, in order; by default 0, 0.01, …, 1.
        share: of the clusters to fit to, drawn by `seed`; the rest is held out, for a figure to report.
        clusters: what items share, where they do.
        seed: of the split.

    Raises:
        MetricError: there is nothing to fit to, or no such aim.
    """
    check_choice(aim, Aim, "aim")
    rows = _forecasts(scores, labels, clusters, name="scores", unit=candidates is None)
    if not 0 < share <= 1:
        raise MetricError(f"share: expected a share of the clusters, above 0 and at most 1, found {share}")
    order = np.random.default_rng(seed).permutation(rows.clusters)
    chosen = np.isin(rows.codes, order[: max(1, round(share * rows.clusters))])
    if not chosen.any():
        raise MetricError("scores: nothing has both a score and a label")
    tried = [step / 100 for step in range(101)] if candidates is None else list(candidates)
    said, were = rows.said[chosen], rows.right[chosen]
    best, best_value, fitted = tried[0], -math.inf, confusion(said >= tried[0], were)
    for candidate in tried:
        found = confusion(said >= candidate, were)
        value: float = getattr(found, aim)
        if value > best_value:
            best, best_value, fitted = candidate, value, found
    rest = None if chosen.all() else confusion(rows.said[~chosen] >= best, rows.right[~chosen])
    return Threshold(value=best, aim=aim, fitted=fitted, held_out=rest)


def confusion(said: Values, labels: Values) -> Confusion:
    """Judgements against labels, both 0 or 1; items that lack either are left out."""
    rows = _forecasts(said, labels, None, name="said")
    yes, true = rows.said >= 0.5, rows.right >= 0.5
    return Confusion(
        tp=int((yes & true).sum()),
        fp=int((yes & ~true).sum()),
        fn=int((~yes & true).sum()),
        tn=int((~yes & ~true).sum()),
    )


# Inside -----------------------------------------------------------------------------------------------


class _Forecasts(NamedTuple):
    said: FloatArray
    right: FloatArray
    codes: IntArray
    """The cluster of each row, numbered densely."""
    clusters: int
    """How many there are."""
    missing: int


def _forecasts(
    confidence: Values, right: Values, clusters: Labels | None, *, name: str = "confidence", unit: bool = True
) -> _Forecasts:
    """The rows that have both; `unit` asks that what was said lies from 0 to 1."""
    said, were = as_floats(confidence, name), as_floats(right, "right")
    if len(said) != len(were):
        raise MetricError(f"right: expected {len(said)} values as in {name}, found {len(were)}")
    if unit:
        check_unit_interval(said, name)
    if not np.isin(were[~np.isnan(were)], (0.0, 1.0)).all():
        raise MetricError("right: expected 0 or 1 or None in every place")
    there = ~(np.isnan(said) | np.isnan(were))
    labels: Sequence[Hashable] = range(len(said)) if clusters is None else list(clusters)
    _, codes = as_codes(labels, len(said))
    distinct, dense = np.unique(codes[there], return_inverse=True)
    return _Forecasts(said[there], were[there], dense, len(distinct), int((~there).sum()))


def _summed(rows: _Forecasts, values: FloatArray) -> FloatArray:
    """values[N, M] summed over each cluster: [C, M]."""
    sums = np.zeros((rows.clusters, values.shape[1]))
    np.add.at(sums, rows.codes, values)
    return sums


def _boot(
    statistic: Callable[[FloatArray], FloatArray], rows: _Forecasts, resamples: int, level: float, seed: int
) -> Estimate:
    return weighted_bootstrap(
        statistic,
        rows.clusters,
        n=len(rows.said),
        missing=rows.missing,
        resamples=resamples,
        level=level,
        seed=seed,
    )


def _quotient(totals: FloatArray) -> FloatArray:
    """The second column over the first."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return totals[:, 1] / totals[:, 0]


def _binned(said: FloatArray, bins: int, binning: Binning) -> tuple[IntArray, FloatArray]:
    """The bin of each forecast, and the bins' edges (bins + 1)."""
    if bins < 1:
        raise MetricError(f"bins: expected at least 1, found {bins}")
    check_choice(binning, Binning, "binning")
    if binning == "width" or not len(said):
        edges = np.arange(bins + 1) / bins
    else:
        edges = np.quantile(said, np.arange(bins + 1) / bins)
    group = np.searchsorted(edges, said, side="right") - 1
    return np.clip(group, 0, bins - 1), edges


def _per_bin(group: IntArray, rows: _Forecasts) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of each group its size, its mean confidence and its share right."""
    n = np.bincount(group).astype(np.float64)
    return n, np.bincount(group, weights=rows.said) / n, np.bincount(group, weights=rows.right) / n


def _area(wrong: FloatArray) -> float:
    """Under the risks of an ordered sample, by trapezoids from coverage 1/N to 1; nan for none."""
    n = len(wrong)
    if n < 2:
        return float(wrong[0]) if n else math.nan
    risk = np.cumsum(wrong) / np.arange(1, n + 1)
    return float((risk[1:] + risk[:-1]).sum() / (2 * n))


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
