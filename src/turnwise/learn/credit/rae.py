"""RAE: each role's outcome against a moving average of its own outcomes."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.threads import kernels


@method("rae")
def rae(turns: Turns, *, baseline: Floats | None = None, decay: float = 0.95) -> Floats:
    """Role-conditioned advantage estimation: R − b_role, the average before this episode moved it, `[K]`.

    SPIRAL (Liu et al., arXiv 2506.24119). In a game of two sides the group's mean says nothing (it is about 0
    whatever is played), and an advantage of moving first would be credited for ever. Keep one baseline for
    each environment, and carry `rae_baseline` over to the next batch.

    Args:
        turns: Episodes in the order in which they move the average.
        baseline: `[roles]` The averages to begin with; None is 0.
        decay: What remains of an average after an episode.
    """
    chain, there, value, average = _started(turns, baseline)
    before = np.empty(len(there))
    kernels().averages(value, _roles(turns, there), float(decay), average, before)
    result = np.zeros(int(there.max()) + 1 if len(there) else 0)
    result[there] = value - before
    return result[chain]


def rae_baseline(turns: Turns, *, baseline: Floats | None = None, decay: float = 0.95) -> Floats:
    """`[roles]` The averages after these turns: b ← decay·b + (1 − decay)·R, episode by episode."""
    _, there, value, average = _started(turns, baseline)
    kernels().averages(value, _roles(turns, there), float(decay), average, np.empty(len(there)))
    return average


def _started(turns: Turns, baseline: Floats | None) -> tuple[Ints, Ints, Floats, Floats]:
    """Chain of each turn, the chains that have turns and what they got, and a copy of the averages."""
    chain, count, roles = chains(turns)
    there = np.flatnonzero(np.bincount(chain, minlength=count))
    average = np.zeros(roles) if baseline is None else np.array(baseline, np.float64)
    return chain, there, outcomes(turns)[there], np.r_[average, np.zeros(max(roles - len(average), 0))]


def _roles(turns: Turns, chain: Ints) -> Ints:
    return chain % chains(turns)[2]
