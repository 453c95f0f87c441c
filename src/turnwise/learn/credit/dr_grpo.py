"""Dr.GRPO: GRPO without the deviation, and with sums of tokens over a constant."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import relative
from turnwise.learn.credit.registry import method


@method("dr_grpo")
def dr_grpo(turns: Turns) -> Floats:
    """Dr.GRPO: R − mean of the group, `[K]`.

    Liu et al., "Understanding R1-Zero-Like Training" (arXiv 2503.20783). The other half of it is the loss:
    the sum over an episode's tokens divided by a constant, never by the length (`weights(turns,
    "seq-mean-token-sum-norm", constant=...)`).
    """
    return relative(turns)
