"""Soft punishment of length (DAPO, Yu et al. 2025, equation 13): a reward that falls from 0 to -`factor` over
a buffer below the limit, so that what ran a little long is not taught the same as what never ended."""

from __future__ import annotations

from torch import Tensor


def reward(length: Tensor, *, limit: int, buffer: int, factor: float = 1.0) -> Tensor:
    """`[R]` What is added to the reward of each row: 0 up to `limit - buffer`, then down to -`factor`.

    Args:
        length: `[R]` Sampled tokens of each row.
        limit: Length at which the whole `factor` is lost (longer ones lose no more).
        buffer: Tokens below the limit over which the loss grows, at least 1.
        factor: How much is lost.
    """
    over = (length - (limit - buffer)).clamp(min=0, max=buffer)
    return -over / buffer * factor
