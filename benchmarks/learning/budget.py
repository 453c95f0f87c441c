"""Trainings that end when their environment steps are used up, on one axis: the turns that were played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from results import Points


def evenly(points: Sequence[tuple[float, float]], turns: int, count: int = 100) -> Points:
    """A curve of numbers after so many turns each, read at even distances, so that seeds can be averaged.

    Args:
        points: Pairs of turns and the number there, in order.
        turns: Where the curve ends.
        count: How many distances.
    """
    x, y = np.array(points, dtype=np.float64).T
    even = np.linspace(0, turns, count + 1)
    return list(zip(even.tolist(), np.interp(even, x, y).tolist(), strict=True))


def mean_of(points: Points, last: float = 1.0) -> float:
    """The mean of an even curve over its last share."""
    values = [point[1] for point in points if isinstance(point, tuple) and point[1] is not None]
    return float(np.mean(values[-max(1, round(last * len(values))) :]))
