"""OPO: outcomes against the group's mean by tokens."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import relative
from turnwise.learn.credit.registry import method


@method("opo")
def opo(turns: Turns) -> Floats:
    """OPO: R − Σ L·R / Σ L within the group, L being an episode's sampled tokens, `[K]`.

    Hao et al., "On-Policy RL with Optimal Reward Baseline" (arXiv 2505.23585): the baseline of least variance
    if a gradient's square grows as the number of tokens.
    """
    return relative(turns, votes="token")
