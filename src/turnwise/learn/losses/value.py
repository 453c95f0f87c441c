"""The loss of a critic: squared error, with PPO's clip of how far a value may move in one update."""

from __future__ import annotations

import torch
from torch import Tensor


def value(
    values: Tensor, *, returns: Tensor, weights: Tensor, old: Tensor | None = None, clip: float = 0.2
) -> Tensor:
    """Half the squared error of values; with `old`, the larger of those of the value and of the clipped
    value.

        loss_t = ½ max((V - G)², (clamp(V, V_old - clip, V_old + clip) - G)²)

    Args:
        values: `[M]` Values that the critic gives now.
        returns: `[M]` What they should be.
        weights: `[M]` See `aggregation.token_weights`.
        old: `[M]` Values when the update began; None is no clip.
        clip: How far a value may move from the old one and still be drawn on.
    """
    errors = (values - returns).square()
    if old is not None:
        near = torch.minimum(torch.maximum(values, old - clip), old + clip)
        errors = torch.maximum(errors, (near - returns).square())
    return 0.5 * (errors * weights).sum()
