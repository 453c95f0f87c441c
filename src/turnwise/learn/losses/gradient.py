"""A loss whose gradient is known: the value and `d value / d input`, computed at once and without a graph.

The surrogates of policy gradients are cheap functions of one log-probability a token, and their derivatives
are by-products of their values. A graph would store some ten arrays `[M]` and go through them again.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class _Known(Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, logprobs: Tensor, gradient: Tensor) -> Tensor:
        """Pass the value through; keep the gradient."""
        ctx.save_for_backward(gradient)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outputs: Any) -> tuple[None, Tensor, None]:
        """The known gradient, by the chain rule."""
        (gradient,) = ctx.saved_tensors
        return None, gradient * outputs[0], None


def known(value: Tensor, logprobs: Tensor, gradient: Tensor) -> Tensor:
    """`value`, as a function of `logprobs` that has this gradient (once differentiable).

    Args:
        value: Scalar, computed without a graph.
        logprobs: `[M]` What it is differentiated by.
        gradient: `[M]` Its derivative.
    """
    return cast(Tensor, _Known.apply(value, logprobs, gradient))


def ratio(logprobs: Tensor, old: Tensor) -> Tensor:
    """`[M]` The policy over the policy before, `exp(logprobs - old)`; up to e^30, as infinity times zero is no number."""
    return torch.sub(logprobs, old).clamp_(max=30.0).exp_()
