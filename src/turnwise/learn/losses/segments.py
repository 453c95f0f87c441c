"""Sums over rows and turns of flat tensors: what `[B, T]` reductions are to padded ones.

A segment is any set of tokens that carry the same number in an array `[M]`: a row, a turn, an episode.
Numbers run from 0; order and gaps do not matter.
"""

from __future__ import annotations

import torch
from torch import Tensor


def size(segment: Tensor) -> int:
    """How many numbers there are: one more than the largest."""
    return int(segment.max()) + 1 if segment.numel() else 0


def total(values: Tensor, segment: Tensor, count: int | None = None) -> Tensor:
    """`[N]` Sum of `values` `[M]` in each segment; 0 where a segment has no tokens.

    Args:
        values: `[M]`.
        segment: `[M]` Number of each token's segment.
        count: N, where it is known (it spares a look at the device).
    """
    count = size(segment) if count is None else count
    return values.new_zeros(count).index_add(0, segment, values)


def mean(values: Tensor, segment: Tensor, count: int | None = None) -> Tensor:
    """`[N]` Mean of `values` in each segment; 0 where a segment has no tokens."""
    count = size(segment) if count is None else count
    tokens = total(torch.ones_like(values), segment, count)
    return total(values, segment, count) / tokens.clamp_min(1)


def largest(values: Tensor, segment: Tensor, count: int | None = None) -> Tensor:
    """`[N]` Largest of `values` in each segment; -inf where a segment has no tokens."""
    count = size(segment) if count is None else count
    return values.new_full((count,), -torch.inf).scatter_reduce(0, segment, values, "amax")


def numbers(values: list[Tensor]) -> list[float]:
    """Scalars as numbers, in one look at the device."""
    return torch.stack(values).tolist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
