"""`Estimate`: one number with its interval and its denominators, the shape every statistic here returns."""

from __future__ import annotations

import math

import msgspec


class Estimate(msgspec.Struct, frozen=True):
    """A mean (or other statistic) with the interval that surrounds it.

    Undefined numbers are nan, which JSON shows as null: an interval from one value, a mean of none.
    """

    mean: float
    """The point estimate; nan where there is no value."""
    low: float
    """Lower bound; nan where the data cannot say."""
    high: float
    """Upper bound; nan where the data cannot say."""
    n: int
    """How many values `mean` rests on: its denominator."""
    clusters: int
    """How many independent groups they fall into; equal to `n` where values are taken as independent."""
    missing: int
    """How many values were expected and are not there. They are in no numerator and in no denominator."""
    method: str
    """How the interval was made, e.g. `wilson`, `t`, `cluster-robust t (cr1)`, `bca bootstrap`."""
    level: float = 0.95
    """Confidence level of the interval."""
    se: float = math.nan
    """Standard error of `mean`; nan where the method has none."""

    def __str__(self) -> str:
        shown = f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.n}"
        if self.clusters != self.n:
            shown += f" clusters={self.clusters}"
        return f"{shown} missing={self.missing}" if self.missing else shown
