"""A loss whose gradient is known: the value and `d value / d input`, computed at once and without a graph.

The surrogates of policy gradients are cheap functions of one log-probability a token, and their derivatives
are by-products of their values. A graph would store some ten arrays `[M]` and go through them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

CACHED = 3 << 13
"""Tokens to a block on a CPU: so few that torch stays in one thread, whose cache holds ten such arrays."""


class _Known(Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, logprobs: Tensor, gradient: Tensor) -> Tensor:
        """Pass the value through; keep the gradient."""
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Any
    ) -> tuple[None, Tensor, None]:
        """The known gradient, by the chain rule."""
        (gradient,) = ctx.saved_tensors
        scaled = torch.empty_like(gradient)
        for block in blocks(gradient):
            torch.mul(gradient[block], grad_outputs[0], out=scaled[block])
        return None, scaled, None


def known(value: Tensor, logprobs: Tensor, gradient: Tensor) -> Tensor:
    """`value`, as a function of `logprobs` that has this gradient (once differentiable).

    Args:
        value: Scalar, computed without a graph.
        logprobs: `[M]` What it is differentiated by.
        gradient: `[M]` Its derivative.
    """
    return cast(Tensor, _Known.apply(value, logprobs, gradient))  # pyright: ignore[reportUnknownMemberType]


def ratio(logprobs: Tensor, old: Tensor) -> Tensor:
    """`[M]` The policy over the policy before, `exp(logprobs - old)`; at most e^30, as 0·∞ is no number."""
    return torch.sub(logprobs, old).clamp_(max=30.0).exp_()


def scale(advantages: Tensor, weights: Tensor, like: Tensor) -> Tensor:
    """`[M]` -A times the weight of each token, in the precision of `like`."""
    return torch.mul(advantages, weights).neg_().to(like.dtype)


def blocks(values: Tensor) -> Iterator[slice]:
    """Slices of `[M]` to work through one by one: on a CPU, what stays in its cache; elsewhere the whole."""
    step = CACHED if values.device.type == "cpu" else max(len(values), 1)
    for start in range(0, len(values), step):
        yield slice(start, start + step)


def summed(parts: list[Tensor], like: Tensor) -> Tensor:
    """The sum of scalars; 0 where there are none."""
    return torch.stack(parts).sum() if parts else like.new_zeros(())
