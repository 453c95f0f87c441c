"""Truncated importance sampling: what another policy sampled counts by how likely it is under this one.

    w = min(π_trainer / π_sampler, cap)

multiplied to the final loss of each token, without a gradient (Ionides, "Truncated importance sampling",
2008; Yao et al., "Your efficient RL framework secretly brings you off-policy RL training", 2025). Bounded
variance, some bias. `π_trainer` is the policy the update starts from, recomputed by the trainer; the clipped
surrogate then has its own ratio to it.
"""

from __future__ import annotations

from torch import Tensor

from turnwise.learn.losses import segments

SAFE = 20.0
"""Of the logarithm of any importance weight."""


def tis(trainer: Tensor, *, sampler: Tensor, cap: float = 2.0, segment: Tensor | None = None) -> Tensor:
    """`[M]` The weight of each token, between 0 and `cap`.

    Args:
        trainer: `[M]` Log-probabilities of the sampled tokens as the trainer computes them.
        sampler: `[M]` Log-probabilities recorded when they were sampled.
        cap: The largest weight (C).
        segment: `[M]` Number of each token's row (or turn): all its tokens get the product of their ratios,
            the weight of the whole sequence. None is one weight a token.
    """
    return ratio(trainer, sampler, segment).clamp(max=cap)


def ratio(trainer: Tensor, sampler: Tensor, segment: Tensor | None = None) -> Tensor:
    """`[M]` The importance weight of each token, or of its segment, as it is."""
    moved = (trainer - sampler).detach()
    if segment is not None:
        moved = segments.total(moved, segment)[segment]
    return moved.clamp(-SAFE, SAFE).exp()
