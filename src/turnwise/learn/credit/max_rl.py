"""MaxRL: outcomes against the group's mean, on the scale of that mean."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.group import relative
from turnwise.learn.credit.registry import method


@method("max_rl")
def max_rl(turns: Turns) -> Floats:
    """MaxRL: (R − mean) / mean of the group, 0 where the mean is not positive, `[K]`.

    arXiv 2602.02710, as prime-rl has it. For outcomes of 0 and 1: rare successes weigh about 1 / p, which
    leads from the expected success to its likelihood as groups grow.
    """
    difference = relative(turns)
    mean = outcomes(turns)[chains(turns)[0]] - difference
    return np.where(mean > 0, difference / np.where(mean > 0, mean, 1.0), 0.0)
