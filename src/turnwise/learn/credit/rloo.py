"""RLOO: outcomes against those of the others of the group."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import Alone, relative
from turnwise.learn.credit.registry import method


@method("rloo")
def rloo(turns: Turns, *, alone: Alone = "zero") -> Floats:
    """RLOO: R − mean of the others of the group = n / (n − 1) · (R − mean), `[K]`; without bias.

    Ahmadian et al. (arXiv 2402.14740).

    Args:
        turns: The turns.
        alone: What a lone episode is credited with. verl's loop keeps its score (`raw`), its vectorised form
            gives 0.
    """
    return relative(turns, leave_one_out=True, alone=alone)
