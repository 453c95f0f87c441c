"""PPO: the clipped surrogate, plain and with the dual clip.

    loss_t = -A_t · clip(ρ_t)      ρ_t = π(a_t) / π_old(a_t)
    clip(ρ) = min(ρ, 1 + high)     where A ≥ 0
              max(ρ, 1 - low)      where A < 0, and with the dual clip min(that, dual)

which is max(-ρA, -clamp(ρ, 1 - low, 1 + high)·A) (Schulman et al., "Proximal policy optimization algorithms",
2017, equation 7), bounded for A < 0 by -dual·A (Ye et al., "Mastering complex control in MOBA games with deep
reinforcement learning", 2020). The derivative by log π_t is -A_t·ρ_t where nothing was clipped,
else 0; it comes with the value, in one pass.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from turnwise.learn.losses import gradient, segments

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
        weights: `[M]` What each token counts, at least 0: `aggregation.token_weights`, times corrections.
        low: Ratios below 1 - low earn no more, where the advantage is negative.
        high: Ratios above 1 + high earn no more, where the advantage is positive.
        dual: Ratios above it cost no more, where the advantage is negative; None is no such bound.
    """
    bound = BOUND if dual is None else dual
    given = logprobs.detach()
    slope = torch.empty_like(given)
    values: list[Tensor] = []
    for block in gradient.blocks(given):
        scale = gradient.scale(advantages[block], weights[block], given)
        plain, clipped, most = _surrogates(gradient.ratio(given[block], old[block]), scale, low, high, bound)
        losses = torch.maximum(plain, clipped, out=clipped)
        torch.minimum(losses, most, out=losses)
        values.append(losses.sum())
        # 1 where nothing was clipped, as a number: masks are several times slower.
        torch.mul(plain.eq_(losses), losses, out=slope[block])
    return gradient.known(gradient.summed(values, given), logprobs, slope)


def _surrogates(
    ratio: Tensor, scale: Tensor, low: float, high: float, bound: float
) -> tuple[Tensor, Tensor, Tensor]:
    """`[M]` each: -ρA, -clamp(ρ)A, and what no token costs more than; `scale` is -A (times weights)."""
    clipped = ratio.clamp(1 - low, 1 + high).mul_(scale)
    return ratio.mul_(scale), clipped, scale.abs_().mul_(bound)


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
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    low: float = 0.2,
    high: float = 0.2,
    dual: float = 3.0,
) -> dict[str, float]:
    """What to watch in an update, over tokens: the shares that were clipped, and how far the policy has
    moved.

    Returns:
        `clipped` (share clipped by `low` or `high`), `clipped_dual`, `kl` (k1 from the old policy to the new
        one).
    """
    given = logprobs.detach()
    sums = given.new_zeros(3)
    for block in gradient.blocks(given):
        plain, clipped, most = _surrogates(
            gradient.ratio(given[block], old[block]), -advantages[block], low, high, dual
        )
        losses = torch.maximum(plain, clipped)
        kl = old[block].sub(given[block])
        sums += torch.stack([clipped.gt_(plain).sum(), losses.gt_(most).sum(), kl.sum()])
    means = list(sums / max(len(given), 1))
    return dict(zip(("clipped", "clipped_dual", "kl"), segments.numbers(means), strict=True))
