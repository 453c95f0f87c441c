"""Attention in a line of trees, without a mask: every token attends to its ancestors and to nothing else.

A tree is made of segments, stretches of tokens without a fork. What continues a segment stands right behind
it, so that all there is to compute is

- each last segment's attention to itself, causal, segments of like length together;
- for each segment that is continued, the attention to it of itself and of *all* that continues it: one causal
  rectangle of neighbouring tokens, nothing gathered, nothing repeated.

Parts are merged by their sums of exponentials (`kernel`). A prompt's keys and values are thus read in place,
once for all its completions, and their gradients are the sums over these. The scores that are computed are
those that a tree of tokens needs, where a mask over the line takes all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from turnwise.learn.batch import Ints
from turnwise.learn.engine import kernel

_LIKE = 0.75
"""Segments stand together in a block where the shortest has this share of the longest's length …"""
_SHORT = 32
"""… or where none is longer than this."""


class Block(NamedTuple):
    """Segments of like length, padded on the right, where causal attention never looks."""

    places: Tensor
    """`[n, L]` Where each token stands in the line; padding repeats a segment's last."""
    kept: Tensor | None
    """Which of the n L places are no padding; None where all."""
    span: slice | None
    """The places where they are neighbours in the line: then nothing is gathered."""


class Trunk(NamedTuple):
    """A segment that others continue: queries `start … reach - 1` attend to keys `start … stop - 1`."""

    start: int
    stop: int
    reach: int


class Branches:
    """How the tokens of one line attend to each other; the same in every layer.

    Args:
        segments: `[S, 3]` Each segment's first place, its end, and the end of what continues it, in the order
            of the line (`Line.segments`).
        device: Where the network is.
    """

    def __init__(self, segments: Ints, device: torch.device) -> None:
        last = segments[segments[:, 1] == segments[:, 2]]
        self.blocks = [
            Block(
                torch.as_tensor(places, device=device),
                None if real.all() else torch.as_tensor(np.flatnonzero(real), device=device),
                _span(places),
            )
            for places, real in _blocks(last[:, 0], last[:, 1] - last[:, 0])
        ]
        self.trunks = [Trunk(*map(int, row)) for row in segments if row[2] > row[1]]


def _span(places: Ints) -> slice | None:
    first, last = int(places[0, 0]), int(places[-1, -1])
    neighbours = np.array_equal(places.ravel(), np.arange(first, last + 1))
    return slice(first, last + 1) if neighbours else None


def _blocks(start: Ints, length: Ints) -> Iterator[tuple[Ints, Any]]:
    """Places `[n, L]` of segments of like length, and which are real."""
    order = np.argsort(-length, kind="stable")
    first = 0
    while first < len(order):
        longest = int(length[order[first]])
        least = 0 if longest <= _SHORT else longest * _LIKE
        end = int(np.searchsorted(-length[order], -least, side="right"))
        taken = order[first:end]
        step = np.arange(longest)
        places = start[taken, None] + np.minimum(step, length[taken, None] - 1)
        yield places, step < length[taken, None]
        first = end


def attend(q: Tensor, k: Tensor, v: Tensor, branches: Branches, scale: float) -> Tensor:
    """Attention of a line's tokens to their ancestors and themselves, differentiable once.

    Args:
        q: `[H, N, D]`.
        k: `[H, N, D]`.
        v: `[H, N, E]`.
        branches: Who descends from whom.
        scale: Of the scores.

    Returns:
        `[N, H, E]`
    """
    function: Any = _Attend
    return function.apply(q, k, v, branches, scale)


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, branches: Branches, scale: float) -> Tensor:
        heads, tokens, _ = q.shape
        kept = kernel.exact(q.dtype)
        out = q.new_zeros(tokens, heads, v.shape[2], dtype=kept).transpose(0, 1)
        total = q.new_full((heads, tokens), -torch.inf, dtype=kept)
        for block in branches.blocks:
            told = kernel.forward(_take(q, block), _take(k, block), _take(v, block), scale)
            for here, found in zip((out, total), told, strict=True):
                _put(here, block, found.to(kept))
        for start, stop, reach in branches.trunks:
            here, past = slice(start, reach), slice(start, stop)
            more, sums = kernel.forward(q[None, :, here], k[None, :, past], v[None, :, past], scale)
            _merge(out[:, here], total[:, here], more[0].to(kept), sums[0].to(kept))
        out = out.to(q.dtype)
        ctx.save_for_backward(q, k, v, out, total)
        ctx.branches, ctx.scale = branches, scale
        return out.transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        q, k, v, out, total = ctx.saved_tensors
        branches: Branches = ctx.branches
        grad = grads[0].transpose(0, 1)
        # A token is in one block at most, which writes; trunks add to that.
        found = [torch.zeros_like(x) for x in (q, k, v)]
        for block in branches.blocks:
            given = _take(grad, block)
            if block.kept is not None:
                # Padding is not there: it must not pull at the keys it looks back on.
                given = given * _real(block)[:, None, :, None]
            own = [_take(x, block) for x in (q, k, v, out, total)]
            parts = kernel.backward(given, own[0], own[1], own[2], own[3], own[4], ctx.scale)
            for here, part in zip(found, parts, strict=True):
                _put(here, block, part)
        for start, stop, reach in branches.trunks:
            here, past = slice(start, reach), slice(start, stop)
            asked, told, sums, given = (x[None, :, here] for x in (q, out, total, grad))
            keys, values = k[None, :, past], v[None, :, past]
            parts = kernel.backward(given, asked, keys, values, told, sums, ctx.scale)
            for add, part, where in zip(found, parts, (here, past, past), strict=True):
                add[:, where] += part[0]
        return (*found, None, None)


def _take(x: Tensor, block: Block) -> Tensor:
    """`[n, H, L, …]` A block's tokens of `[H, N, …]`."""
    flat = x.index_select(1, block.places.flatten()) if block.span is None else x[:, block.span]
    return flat.view(flat.shape[0], *block.places.shape, *flat.shape[2:]).transpose(0, 1)


def _put(x: Tensor, block: Block, part: Tensor) -> None:
    """Write `[n, H, L, …]` back to where it was taken from."""
    if block.span is not None:
        x[:, block.span].view(x.shape[0], *block.places.shape, *x.shape[2:]).copy_(part.transpose(0, 1))
        return
    part, places = part.transpose(0, 1).flatten(1, 2), block.places.flatten()
    if block.kept is not None:
        part, places = part.index_select(1, block.kept), places[block.kept]
    x.index_copy_(1, places, part)


def _real(block: Block) -> Tensor:
    """`[n, L]` Which places are no padding."""
    real = torch.zeros(block.places.shape, dtype=torch.bool, device=block.places.device)
    real.view(-1)[block.kept] = True
    return real


def _merge(out: Tensor, total: Tensor, more: Tensor, sums: Tensor) -> None:
    """Add the attention to further keys, in place."""
    out.lerp_(more, torch.sigmoid(sums - total)[..., None])
    torch.logaddexp(total, sums, out=total)
