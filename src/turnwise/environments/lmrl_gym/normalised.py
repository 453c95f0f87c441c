"""LMRL-Gym's normalised scores: 0 is the worst possible, 50 the average of the data set, 100 the best.

The mean score of a run is normalised, not each episode's: the scale has a bend at the data set's average.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from turnwise.errors import ConfigError


class Scale(NamedTuple):
    """Three scores of one task that the others are measured by."""

    minimum: float
    average: float
    """Of the data set the benchmark trains on."""
    maximum: float
    published: bool = False
    """Whether the benchmark's code states it; else it was measured on data made here."""

    def normalised(self, score: float) -> float:
        """`score`, a mean over episodes, as the benchmark tabulates it; may leave 0 to 100.

        Source: the official `maze/misc/compute_score_normalizations.py`.
        """
        if score < self.average:
            return 50 * (score - self.minimum) / (self.average - self.minimum)
        return 50 + 50 * (score - self.average) / (self.maximum - self.average)


SCALES: dict[str, Scale] = {
    "maze_fully_observed": Scale(-101, -83, -6.84, published=True),
    "maze_partially_observed": Scale(-101, -83, -25.75, published=True),
    "chess": Scale(-401, 0.21, 1, published=True),
    "endgames": Scale(-1, 0.586, 1, published=True),
}
"""The published scales."""

MEASURED: dict[str, Scale] = {
    "text_nav_fully_observed": Scale(0, 0.015, 1),
    "text_nav_partially_observed": Scale(0, 0.015, 1),
    "wordle": Scale(-6, -3.16, -1.68),
    "wordle_official": Scale(-6, -3.48, -1.942),
    "twenty_questions": Scale(-20, -12.88, -7.025),
    "guess_my_city": Scale(-20, -11.94, -6.34),
    "car_dealer": Scale(-8, 0.775, 1.009),
    "car_dealer_revenue": Scale(0, 33.36, 51.37),
}
"""Ours, of the tasks whose scale the benchmark's code does not state: they tell runs here apart, and are not
to be compared with the paper's table.

The average is that of the data set made here (`turnwise.synth.lmrl_gym`, 4,700 to 8,000 episodes), the
maximum the mean of `solver`. The minimum is that of legal play, as the published ones of the maze are: no
success, six wrong words, twenty questions in vain, nothing sold; `fancy` deals of Car Dealer are measured
from the richest buyer leaving a car at the poorest buyer's budget, -(90 - 10) / 10.
"""


def scale(environment: str, **settings: Any) -> Scale:
    """What mean scores of an environment are normalised by.

    Args:
        environment: Its name.
        **settings: What it was set to; `observed`, `words` and `reward` matter.

    Raises:
        ConfigError: no environment of LMRL-Gym.
    """
    name = environment
    if environment in ("maze", "text_nav"):
        name = f"{environment}_{settings.get('observed', 'fully')}_observed"
    elif environment == "wordle" and settings.get("words") == "official":
        name = "wordle_official"
    elif environment == "car_dealer" and settings.get("reward") == "revenue":
        name = "car_dealer_revenue"
    if name in SCALES:
        return SCALES[name]
    if name in MEASURED:
        return MEASURED[name]
    raise ConfigError(f"no scale for environment {environment!r}: expected one of LMRL-Gym's eight tasks")
