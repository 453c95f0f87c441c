"""A copy of the network in this process, so that episodes and an update can run side by side in two threads.

The copy holds what is trained a second time; what is frozen (all but the adapters, with `lora`) is shared
with the trained network. It has the weights of the last `sync`, whatever has become of the trained ones
since: an update moves nothing under the feet of a sequence that is being generated.
"""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.learn.engine.sampling.shared import SharedSampler
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions


class CopySampler(SharedSampler):
    """See the module and `Sampler`.

    Args:
        name: What to call the model, without `hf/`.
        loaded: The network that is trained, ready for training: what asks for a gradient is copied.
        options: How it samples.
    """

    def __init__(self, name: str, loaded: Loaded, options: HFOptions) -> None:
        module = _copy_of(loaded.model)
        self._weights: dict[str, nn.Parameter] = {
            key: weight for key, weight in module.named_parameters() if weight.requires_grad
        }
        for weight in self._weights.values():
            weight.requires_grad_(False)
        super().__init__(name, loaded._replace(model=module), options)

    @contextmanager
    def changing(self) -> Generator[None]:
        """The trained weights are not those that are sampled with: nothing need rest."""
        yield

    @torch.no_grad()
    def sync(self, weights: Weights, version: int) -> None:
        """Copy the weights; generation rests between two tokens meanwhile."""
        with self.policy.changing(str(version)):
            for key, weight in weights:
                self._weights[key].copy_(weight)


def _copy_of(module: Any) -> Any:
    """The module with parameters of its own where they ask for a gradient, the same ones elsewhere."""
    frozen = {id(weight): weight for weight in module.parameters() if not weight.requires_grad}
    return copy.deepcopy(module, frozen).eval()
