"""GMPO: the geometric mean of clipped token ratios, one a row (Zhao et al., "Geometric-mean policy
optimization", 2025).

    loss_row = -A_row · exp(mean_t δ_t),   δ_t = log π_t - log π_old,t, clamped on one side:
                                           at most high where A > 0, at least -low where A < 0

Clipping token by token, before the mean, lets the range be wide; no token outweighs a row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from turnwise.learn.losses import segments


def gmpo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    row: Tensor,
    low: float = 0.4,
    high: float = 0.4,
) -> Tensor:
    """The surrogate with a geometric mean.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens; rows must be whole.
        old: `[M]` The same under the policy that the update started from.
        advantages: `[M]` Advantage of each token; a row's is the mean of its tokens'.
        weights: `[M]` A row weighs as much as its tokens together: `seq-mean-token-mean` makes rows equal, as
            in the paper.
        row: `[M]` Number of each token's row (or turn, for one ratio a turn).
        low: Bound of the logarithm of a ratio, not of the ratio.
        high: Likewise.
    """
    rows = segments.size(row)
    advantage = segments.mean(advantages, row, rows)
    moved = logprobs - old
    limited = torch.where(advantages < 0, moved.clamp(min=-low), moved)
    limited = torch.where(advantages > 0, moved.clamp(max=high), limited)
    ratio = segments.mean(limited, row, rows).exp()
    return -(segments.total(weights, row, rows) * advantage * ratio).sum()
