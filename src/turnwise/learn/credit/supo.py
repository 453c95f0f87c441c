"""SUPO: one advantage for all rows that summaries made of an episode."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Bools, Floats, Turns
from turnwise.learn.credit.group import Deviation, relative
from turnwise.learn.credit.registry import method


@method("supo")
def supo(
    turns: Turns,
    *,
    unfinished: Bools | None = None,
    deviation: Deviation = "unbiased",
    epsilon: float = 1e-6,
) -> Floats:
    """SUPO: the group's z-score of an episode's outcome, for the turns of all its rows, summaries too, `[K]`.

    Lu et al. (arXiv 2510.06727). Each episode has one vote, not each row. One that found no end (too many
    turns, too many summaries) stays in the statistics but teaches nothing: give `unfinished`, and leave its
    tokens out of the loss's denominators (`weights(..., keep=...)`).

    Args:
        turns: The turns.
        unfinished: `[E]` Episodes that were cut off (`Batch.truncated`).
        deviation: Kind of deviation; the paper does not say which.
        epsilon: Added to it.
    """
    result = relative(turns, deviation=deviation, epsilon=epsilon)
    return result if unfinished is None else np.where(unfinished[turns.episode], 0.0, result)
