"""Tables over episodes: why they stopped, what failed, and how much each group spent."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import msgspec
import numpy as np

from turnwise.metrics.intervals import wilson
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import FloatArray, Labels, MetricError, Values, as_codes, as_floats


class Share(msgspec.Struct, frozen=True):
    """One row of a table of counts."""

    name: str
    """What was counted; empty where the episode says none."""
    count: int
    """How many episodes."""
    share: Estimate
    """Their share of all episodes, with Wilson's interval (of each row by itself)."""


def stop_table(reasons: Sequence[str | None], *, level: float = 0.95) -> list[Share]:
    """How often each stop reason occurred, the commonest first, ties by name.

    None (an episode still running, or cut off) is counted as missing in every row and has none of its own.
    """
    known = [reason for reason in reasons if reason is not None]
    return _shares(known, len(known), len(reasons) - len(known), level)


class ErrorRow(msgspec.Struct, frozen=True):
    """One kind of failure."""

    kind: str
    """Class of the error, e.g. `timeout`."""
    count: int
    """How many episodes failed with it."""
    share: Estimate
    """Their share of all episodes, failed or not."""
    example: str
    """First message of this kind, its first line."""
    episodes: tuple[str, ...]
    """The first few episodes with it."""


def error_table(
    errors: Sequence[tuple[str, str, str]], *, episodes: int, shown: int = 3, level: float = 0.95
) -> list[ErrorRow]:
    """Failures by kind, the commonest first, ties by kind.

    Args:
        errors: for each failed episode its id, the kind of error and the message.
        episodes: how many episodes there are in all, failed or not: the denominator.
        shown: how many episode ids a row names.
        level: confidence level of the shares.

    Raises:
        MetricError: where more episodes failed than there are.
    """
    if len(errors) > episodes:
        raise MetricError(f"episodes: expected at least the {len(errors)} that failed, found {episodes}")
    rows: list[ErrorRow] = []
    for row in _shares([kind for _, kind, _ in errors], episodes, 0, level):
        mine = [(episode, message) for episode, kind, message in errors if kind == row.name]
        lines = mine[0][1].strip().splitlines()
        names = tuple(episode for episode, _ in mine[:shown])
        rows.append(ErrorRow(row.name, row.count, row.share, lines[0] if lines else "", names))
    return rows


def _shares(names: Sequence[str], n: int, missing: int, level: float) -> list[Share]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    out: list[Share] = []
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        p = count / n
        low, high = wilson(count, n, level=level)
        se = math.sqrt(p * (1 - p) / n)
        out.append(Share(name, count, Estimate(p, low, high, n, n, missing, "wilson", level, se)))
    return out


class Summary(msgspec.Struct, frozen=True):
    """How one quantity (tokens, cost, seconds) spreads over a group's episodes; nan where undefined."""

    group: Hashable
    """Label of the group."""
    n: int
    """How many values it has."""
    missing: int
    """How many episodes of the group did not report one."""
    total: float
    """Sum of the values that are there."""
    mean: float
    sd: float
    """Standard deviation with n-1; nan for fewer than two values."""
    minimum: float
    median: float
    maximum: float
    quantiles: dict[str, float]
    """By the name of the share, e.g. `0.95`; linear between order statistics."""


def summarise(
    values: Values, groups: Labels | None = None, *, quantiles: Sequence[float] = (0.05, 0.25, 0.75, 0.95)
) -> list[Summary]:
    """One row a group, in order of first appearance; without `groups` one row named `all`.

    Args:
        values: one quantity an episode or call; missing where it was not reported (never taken as zero).
        groups: the group of each value: an agent, an environment, a stop reason.
        quantiles: shares in [0, 1] whose quantiles to report.
    """
    for share in quantiles:
        if not 0 <= share <= 1:
            raise MetricError(f"quantiles: expected shares from 0 to 1 such as 0.95, found {share}")
    array = as_floats(values)
    labels, codes = as_codes(["all"] * len(array) if groups is None else groups, len(array), "groups")
    order = np.argsort(codes, kind="stable")
    parts = np.split(array[order], np.cumsum(np.bincount(codes, minlength=len(labels)))[:-1])
    return [_summary(label, part, quantiles) for label, part in zip(labels, parts, strict=False)]


def _summary(group: Hashable, values: FloatArray, shares: Sequence[float]) -> Summary:
    kept = values[~np.isnan(values)]
    n = len(kept)
    points = np.quantile(kept, [0, 0.5, 1, *shares]) if n else np.full(3 + len(shares), math.nan)
    minimum, median, maximum, *rest = (float(point) for point in points)
    return Summary(
        group=group,
        n=n,
        missing=len(values) - n,
        total=float(kept.sum()),
        mean=float(kept.mean()) if n else math.nan,
        sd=float(kept.std(ddof=1)) if n > 1 else math.nan,
        minimum=minimum,
        median=median,
        maximum=maximum,
        quantiles={f"{share:g}": value for share, value in zip(shares, rest, strict=True)},
    )
