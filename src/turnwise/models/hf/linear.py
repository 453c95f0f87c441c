"""Linear layers as few products: on a small network an operation costs more than what it computes.

The weights of layers that are fed the same (queries, keys and values; a gate and what it lets through) are
laid out one behind the other, once, and from then on are **slices** of one tensor, which is what a single
product multiplies with. Nothing is held twice, and every parameter stays the object it was: an optimiser's
step, a checkpoint that is read, a push of weights write into it, and so into the product.

Only plain layers are taken, of one type and device, whose weights have memory of their own. All others
(adapters, quantised or sharded weights) are called as they are. Whoever gives a parameter other memory, or a
layer another parameter, is seen by `Linears.stale`; what is read anew then is not laid out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Linears:
    """Linear layers of the same input, as one.

    Args:
        modules: The layers.
        join: Whether weights may be laid out anew; otherwise they are one product only where they lie side by
            side already.
        shared: Addresses of weights that more than one parameter stands for; these stay where they are.
    """

    def __init__(self, *modules: Any, join: bool = False, shared: frozenset[int] = frozenset[int]()) -> None:
        self._modules = modules
        self._weight: Tensor | None = None
        """`[inputs, outputs]`; None where the modules are called."""
        self._bias: Tensor | None = None
        self._seen: list[tuple[dict[str, Any], str, Any, int]] = []
        """The parameters that were found, by the modules' own tables, and where they lay."""
        if all(type(module) is nn.Linear for module in modules):
            self._look(join, shared)

    def _look(self, join: bool, shared: frozenset[int]) -> None:
        tables: list[dict[str, Any]] = [module._parameters for module in self._modules]
        weights = [table["weight"] for table in tables]
        biases = [table["bias"] for table in tables]
        given = [bias for bias in biases if bias is not None]
        if given and len(given) < len(biases):
            return
        weight = _side_by_side(weights, join, shared)
        bias = _side_by_side(given, join, shared) if given else None
        if weight is None or (given and bias is None):
            return
        self._weight, self._bias = weight.t(), bias
        names = ("weight", "bias") if given else ("weight",)
        self._seen = [
            (table, name, table[name], table[name].data_ptr()) for table in tables for name in names
        ]

    def stale(self) -> bool:
        """Whether a layer has other weights now, or has them elsewhere."""
        return any(
            table[name] is not parameter or parameter.data_ptr() != place
            for table, name, parameter, place in self._seen
        )

    def __call__(self, x: Tensor) -> Tensor:
        """`[tokens, inputs]` to `[tokens, outputs of all]`."""
        if self._weight is None:
            found = [module(x) for module in self._modules]
            return found[0] if len(found) == 1 else torch.cat(found, dim=1)
        return torch.mm(x, self._weight) if self._bias is None else torch.addmm(self._bias, x, self._weight)

    def add(self, x: Tensor, h: Tensor) -> Tensor:
        """`x` and the outputs for `h`; `x` may be written over."""
        if self._weight is None or self._bias is not None:
            return x + self(h)
        return x.addmm_(h, self._weight)


def shared_places(model: nn.Module) -> frozenset[int]:
    """Addresses that more than one of a model's parameters has."""
    places = [weight.data_ptr() for weight in model.parameters() if not weight.is_meta]
    return frozenset(place for place in places if places.count(place) > 1)


@torch.no_grad()
def _side_by_side(weights: Sequence[Any], join: bool, shared: frozenset[int]) -> Tensor | None:
    """One tensor that weights are slices of, in this order by their first axis; None where they are not.

    Args:
        weights: Parameters.
        join: Whether to make them so.
        shared: See `Linears`.
    """
    first = weights[0]
    for weight in weights:
        alike = weight.dtype is first.dtype and weight.device == first.device
        plain = type(weight) is nn.Parameter and type(weight.data) is torch.Tensor and not weight.is_meta
        if not (alike and plain and weight.is_contiguous() and weight.shape[1:] == first.shape[1:]):
            return None
    if len(weights) == 1:
        return first.detach()
    rows = [weight.shape[0] for weight in weights]
    ends = [weight.data_ptr() + weight.nbytes for weight in weights]
    storage = first.untyped_storage()
    in_line = [weight.data_ptr() for weight in weights[1:]] == ends[:-1]
    if in_line and all(weight.untyped_storage().data_ptr() == storage.data_ptr() for weight in weights):
        return first.detach().as_strided((sum(rows), *first.shape[1:]), first.stride())
    own = all(
        weight.untyped_storage().nbytes() == weight.nbytes
        and weight.data_ptr() not in shared
        and not weight.is_shared()
        for weight in weights
    )
    if not (join and own):
        return None
    together = torch.cat([cast("Tensor", weight.detach()) for weight in weights])
    for weight, end in zip(weights, accumulate(rows), strict=True):
        weight.data = together[end - weight.shape[0] : end]
    return together
