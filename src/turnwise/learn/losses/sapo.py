"""SAPO: a soft gate in place of the clip (Gao et al., "Soft adaptive policy optimization", 2025).

    loss_t = -(4/τ) · σ(τ·(ρ_t - 1)) · A_t        τ by the sign of A_t

At ρ = 1 its derivative is PPO's; away from it the gradient fades, the faster the higher τ, instead of
stopping.
"""

from __future__ import annotations

import torch
from torch import Tensor

from turnwise.learn.losses import gradient


def sapo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    temperature_positive: float = 1.0,
    temperature_negative: float = 1.05,
) -> Tensor:
    """The softly gated surrogate.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens.
        old: `[M]` The same under the policy that the update started from.
        advantages: `[M]` Advantage of each token.
        weights: `[M]` See `aggregation.token_weights`; `seq-mean-token-mean` in the paper.
        temperature_positive: τ where the advantage is positive.
        temperature_negative: τ elsewhere.
    """
    given = logprobs.detach()
    slope = torch.empty_like(given)
    values: list[Tensor] = []
    for block in gradient.blocks(given):
        scale = gradient.scale(advantages[block], weights[block], given)
        positive = torch.lt(scale, 0, out=torch.empty_like(scale))
        tau = positive.mul_(temperature_positive - temperature_negative).add_(temperature_negative)
        ratio = gradient.ratio(given[block], old[block])
        gate = torch.sigmoid((ratio - 1).mul_(tau))
        values.append(4 * torch.dot(scale / tau, gate))
        torch.mul(gate.sub(gate.square()).mul_(ratio).mul_(4), scale, out=slope[block])
    return gradient.known(gradient.summed(values, given), logprobs, slope)
