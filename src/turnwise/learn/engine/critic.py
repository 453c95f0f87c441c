"""A critic: the policy's network with one number as its output, trained by the same four operations.

Its value at a sampled token is what it says of everything before that token: V of the state in which the
token was chosen. `Scored.logprobs` and `Pass.logprobs` hold these values.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from turnwise.learn.engine.layout import Micro
from turnwise.learn.engine.local import LocalEngine
from turnwise.learn.engine.protocol import Scored


def critic_of(policy: LocalEngine) -> LocalEngine:
    """A critic that begins with the weights a policy has now, and with the value 0 everywhere.

    Args:
        policy: Its network is copied; adapters are not.
    """
    module = copy.deepcopy(policy.module)
    return _Critic(module, policy.tokenizer, options=policy.options)


class _Critic(LocalEngine):
    def __init__(self, module: Any, tokenizer: Any, *, options: Any) -> None:
        old = module.get_output_embeddings()
        weight: Tensor = old.weight
        head = nn.Linear(weight.shape[1], 1, dtype=weight.dtype, device=weight.device)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        module.config.tie_word_embeddings = False
        module.set_output_embeddings(head)
        for parameter in module.parameters():
            parameter.requires_grad_(True)
        super().__init__(module, tokenizer, options=_all_weights(options))

    def _score(self, micro: Micro, entropy: bool) -> Scored:
        values = self._outputs(micro)[:, 0].float()
        return Scored(values, torch.as_tensor(micro.places, device=values.device))


def _all_weights(options: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(options, lora=None, device="auto")
