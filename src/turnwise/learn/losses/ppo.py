"""PPO: the clipped surrogate, plain and with the dual clip.

    loss_t = -A_t · clip(ρ_t)      ρ_t = π(a_t) / π_old(a_t)
    clip(ρ) = min(ρ, 1 + high)     where A ≥ 0
              max(ρ, 1 - low)      where A < 0, and with the dual clip min(that, dual)

which is max(-ρA, -clamp(ρ, 1 - low, 1 + high)·A) (Schulman et al., "Proximal policy optimization algorithms",
2017, equation 7), bounded for A < 0 by -dual·A (Ye et al., "Mastering complex control in MOBA games with deep
reinforcement learning", 2020, equation 5). The derivative by log π_t is -A_t·ρ_t where nothing was clipped,
else 0; it comes with the value, in one pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from turnwise.learn.losses import gradient

BOUND = math.exp(20)
"""Ratios of tokens that got less likely to be wanted are bounded even without the dual clip."""


def ppo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    low: float = 0.2,
    high: float = 0.2,
    dual: float | None = None,
) -> Tensor:
    """The clipped surrogate: a scalar, the lower the better.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens under the policy being trained.
        old: `[M]` The same under the policy that the update started from.
        advantages: `[M]` Advantage of each token (those of turns: `advantages[turn]`).
        weights: `[M]` What each token counts: `aggregation.token_weights`, times corrections.
        low: Ratios below 1 - low earn no more, where the advantage is negative.
        high: Ratios above 1 + high earn no more, where the advantage is positive.
        dual: Ratios above it cost no more, where the advantage is negative; None is no such bound.
    """
    with torch.no_grad():
        ratio = gradient.ratio(logprobs.detach(), old)
        worse = ratio.clamp(1 - low, BOUND if dual is None else dual)
        clipped = torch.where(advantages < 0, worse, ratio.clamp(max=1 + high))
        losses = torch.mul(advantages, weights).neg_().mul_(clipped)
        value = losses.sum()
        if not logprobs.requires_grad:
            return value
        slope = losses.mul_(clipped == ratio)
    return gradient.known(value, logprobs, slope)


def dual_clip(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    low: float = 0.2,
    high: float = 0.2,
    dual: float = 3.0,
) -> Tensor:
    """PPO with the dual clip, at its published setting; arguments as `ppo`."""
    return ppo(logprobs, old=old, advantages=advantages, weights=weights, low=low, high=high, dual=dual)


def statistics(
    logprobs: Tensor, *, old: Tensor, advantages: Tensor, low: float = 0.2, high: float = 0.2, dual: float = 3.0
) -> dict[str, float]:
    """What to watch in an update, over tokens: the shares that were clipped, and how far the policy has moved.

    Returns:
        `clipped` (share clipped by `low` or `high`), `clipped_dual`, `kl` (k1 from the old policy to the new one).
    """
    with torch.no_grad():
        ratio = gradient.ratio(logprobs, old)
        negative = advantages < 0
        clipped = torch.where(negative, ratio < 1 - low, (ratio > 1 + high) & (advantages > 0))
        found = torch.stack(
            [clipped.float().mean(), (negative & (ratio > dual)).float().mean(), (old - logprobs).float().mean()]
        )
    return dict(zip(("clipped", "clipped_dual", "kl"), found.tolist(), strict=True))
