"""Multi-turn KTO: episodes that were good or bad, without pairs (M-KTO: Xiong et al., "Building math agents
with multi-turn iterative preference learning", 2024; after Ethayarajh et al., "KTO", 2024).

    u = β·Σ_t (log π - log π_ref) over the agent's tokens,   z = β·KL(π, π_ref)
    loss = λ₊·(1 - σ(u - z)) for good episodes,  λ₋·(1 - σ(z - u)) for bad ones
"""

from __future__ import annotations

import torch
from torch import Tensor


def kto(
    policy: Tensor,
    *,
    reference: Tensor,
    good: Tensor,
    divergence: Tensor,
    beta: float = 0.1,
    weight_good: float = 1.0,
    weight_bad: float = 1.0,
) -> Tensor:
    """The loss, mean over episodes.

    Args:
        policy: `[N]` Log-probability of each episode: `segments.total` of its sampled tokens.
        reference: `[N]` The same under the reference policy.
        good: `[N]` bool: whether the episode was.
        divergence: Scalar, not below 0 and without a gradient: see `mismatched`.
        beta: How strongly the reference holds.
        weight_good: λ₊.
        weight_bad: λ₋; balance the two where there are many more of one kind.
    """
    gain = beta * (policy - reference - divergence)
    losses = torch.where(good, weight_good * torch.sigmoid(-gain), weight_bad * torch.sigmoid(gain))
    return losses.mean()


def mismatched(policy: Tensor, *, reference: Tensor) -> Tensor:
    """The divergence of KTO: the mean log-ratio over prompts with *other* prompts' replies, at least 0; both
    `[N]`."""
    return (policy - reference).mean().clamp(min=0).detach()
