"""GPG: outcomes against the group's mean, scaled up by how few of the batch say anything."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.group import relative
from turnwise.learn.credit.registry import method


@method("gpg")
def gpg(turns: Turns, *, norm: float = 1.0) -> Floats:
    """GPG: n / n₊ · (R − mean of the group), n₊ being the outcomes of the batch that are not zero, `[K]`.

    Chu et al. (arXiv 2504.02546), as in verl.

    Args:
        turns: The turns.
        norm: Divides the result (verl `f_norm`).
    """
    chain, count, _ = chains(turns)
    played = np.bincount(chain, minlength=count) > 0
    useful = np.count_nonzero(outcomes(turns))
    return np.count_nonzero(played) / max(useful, 1) / norm * relative(turns)
