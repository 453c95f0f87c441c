"""GSPO: one ratio a row, the geometric mean of its tokens' (Zheng et al., "Group sequence policy
optimization", 2025).

    s_row = exp(mean_t (log π_t - log π_old,t))
    loss_t = max(-s·A_t, -clamp(s, 1 - low, 1 + high)·A_t)

in the paper's token form (GSPO-token, equation 13): the value has s, the derivative by log π_t is -A_t·s
where nothing was clipped. With the weights of `seq-mean-token-mean` and one advantage a row this is GSPO
itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from turnwise.learn.losses import gradient, segments

LARGEST = 10.0
"""Of log s."""


def gspo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    row: Tensor,
    low: float = 3e-4,
    high: float = 4e-4,
) -> Tensor:
    """The surrogate with one ratio a row.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens; rows must be whole.
        old: `[M]` The same under the policy that the update started from.
        advantages: `[M]` Advantage of each token; one value a row in GSPO.
        weights: `[M]` See `aggregation.token_weights`; `seq-mean-token-mean` in the paper.
        row: `[M]` Number of what has a ratio of its own: the row; numbers of turns make it GSPO by turns.
        low: The ratio is clipped below 1 - low.
        high: The ratio is clipped above 1 + high.
    """
    given = logprobs.detach()
    moved = segments.mean(given - old, row)
    ratio = moved.clamp_(max=LARGEST).exp_()[row]
    scale = gradient.scale(advantages, weights, given)
    clipped = ratio.clamp(1 - low, 1 + high).mul_(scale)
    plain = ratio.mul_(scale)
    losses = torch.maximum(plain, clipped)
    return gradient.known(losses.sum(), logprobs, plain.eq_(losses).mul_(losses))
