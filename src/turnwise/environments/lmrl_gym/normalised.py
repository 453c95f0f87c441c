"""LMRL-Gym's normalised scores: 0 is the worst possible, 50 the average of the data set, 100 the best.

The mean score of a run is normalised, not each episode's: the scale has a bend at the data set's average.
"""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """Three scores of one task that the others are measured by."""

    minimum: float
    average: float
    """Of the data set the benchmark trains on."""
    maximum: float

    def normalised(self, score: float) -> float:
        """`score`, a mean over episodes, as the benchmark tabulates it; may leave 0 to 100.

        Source: the official `maze/misc/compute_score_normalizations.py`.
        """
        if score < self.average:
            return 50 * (score - self.minimum) / (self.average - self.minimum)
        return 50 + 50 * (score - self.average) / (self.maximum - self.average)


SCALES: dict[str, Scale] = {
    "maze_fully_observed": Scale(-101, -83, -6.84),
    "maze_partially_observed": Scale(-101, -83, -25.75),
    "chess": Scale(-401, 0.21, 1),
    "endgames": Scale(-1, 0.586, 1),
}
"""The published scales. For a task without one, make a `Scale` from the scores of its data set and solver."""
