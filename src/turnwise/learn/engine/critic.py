"""A critic: the policy's network with one number as its output, trained by the same four operations.

Its value at a sampled token is what it says of everything before that token: V of the state in which the
token was chosen. `Scored.logprobs` and `Pass.logprobs` hold these values.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import torch
from torch import Tensor, nn

from turnwise.errors import CapabilityError
from turnwise.learn.engine import network
from turnwise.learn.engine.layout import Micro
from turnwise.learn.engine.local import LocalEngine, LocalOptions
from turnwise.learn.engine.protocol import Engine, Scored


def critic_of(policy: Engine) -> Engine:
    """A critic that begins with the weights a policy has now, and with the value 0 everywhere.

    Args:
        policy: Its network is copied, so that it must be in this process.

    Raises:
        CapabilityError: it is elsewhere.
    """
    if not isinstance(policy, LocalEngine):
        raise CapabilityError("a critic needs the policy's network in this process: use the local engine")
    module = copy.deepcopy(policy.module)
    return _Critic(module, policy.tokenizer, policy.options)


class _Critic(LocalEngine):
    def __init__(self, module: Any, tokenizer: Any, options: LocalOptions) -> None:
        weight: Tensor = module.get_output_embeddings().weight
        head = nn.Linear(weight.shape[1], 1, dtype=weight.dtype, device=weight.device)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        module.config.tie_word_embeddings = False
        module.set_output_embeddings(head)
        for parameter in module.parameters():
            parameter.requires_grad_(True)
        options = msgspec.structs.replace(options, lora=None, device="auto", sampler="shared")
        super().__init__(module, tokenizer, options=options)

    def _score(self, micro: Micro, entropy: bool) -> Scored:
        values = network.outputs(self._network, micro, self._device)[:, 0].float()
        return Scored(values, torch.as_tensor(micro.places, device=self._device))
