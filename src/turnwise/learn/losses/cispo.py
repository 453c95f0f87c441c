"""CISPO: the ratio is clipped, the gradient never (MiniMax, "MiniMax-M1: scaling test-time compute
efficiently with lightning attention", 2025).

    loss_t = -sg(clamp(ρ_t, 1 - low, 1 + high)) · A_t · log π_t

Every token keeps a gradient, which PPO takes from the rare ones that moved most.
"""

from __future__ import annotations

import torch
from torch import Tensor

from turnwise.learn.losses import gradient


def cispo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    low: float = 1.0,
    high: float = 0.2,
) -> Tensor:
    """The loss of clipped importance weights; arguments as `ppo`.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens.
        old: `[M]` The same under the policy that the update started from.
        advantages: `[M]` Advantage of each token.
        weights: `[M]` See `aggregation.token_weights`; `token-mean` in the paper.
        low: Weights are at least 1 - low; 1 is no lower bound, as in the paper.
        high: Weights are at most 1 + high.
    """
    given = logprobs.detach()
    slope = torch.empty_like(given)
    values: list[Tensor] = []
    for block in gradient.blocks(given):
        ratio = gradient.ratio(given[block], old[block]).clamp_(1 - low, 1 + high)
        scale = gradient.scale(advantages[block], weights[block], given)
        torch.mul(ratio, scale, out=slope[block])
        values.append(torch.dot(slope[block], given[block]))
    return gradient.known(gradient.summed(values, given), logprobs, slope)
