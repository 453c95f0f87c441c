"""Masked importance sampling: tokens on which trainer and sampler disagree too much are left out.

IcePop (Ling team, "Every step evolves: scaling reinforcement learning for trillion-scale thinking model",
2025) drops tokens whose ratio is outside a range on either side; masked importance sampling drops whole
sequences whose ratio is above a bound. What stays keeps its full weight, where truncation would bend it.
"""

from __future__ import annotations

from torch import Tensor

from turnwise.learn.losses.tis import ratio


def icepop(
    trainer: Tensor,
    *,
    sampler: Tensor,
    low: float = 0.5,
    high: float = 5.0,
    segment: Tensor | None = None,
) -> Tensor:
    """`[M]` The ratio where it is within `low` and `high`, else 0.

    Args:
        trainer: `[M]` Log-probabilities of the sampled tokens as the trainer computes them.
        sampler: `[M]` Log-probabilities recorded when they were sampled.
        low: Smallest ratio π_trainer / π_sampler that is kept.
        high: Largest ratio that is kept.
        segment: `[M]` Number of each token's row (or turn), for one ratio a segment; None is one a token.
    """
    weight = ratio(trainer, sampler, segment)
    return weight * ((weight >= low) & (weight <= high))
