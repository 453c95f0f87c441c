"""A policy that stays as it is, steered by what another network says its tokens are worth.

Two networks read the same tokens. One is frozen and knows how to talk; the other gives Q, and may be trained
into whatever serves that. What is sampled from is the first one's logits tilted by the second one's Q, as in
LMRL-Gym, whose ILQL keeps such a policy (π_β) beside the network that learns values.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast

from turnwise.learn.losses.ilql import steered


class Steered(nn.Module):
    """What `HFModel` takes for a transformers model: the tilted logits of both networks.

    Args:
        policy: The `transformers.PreTrainedModel` whose logits are tilted.
        values: Another over the same tokens, whose output is Q of two heads, `[..., 2 * tokens]`.
        beta: Weight of the lower Q.
        support: The least probability by the policy of a token that may be said. What the data never say
            has a Q that was never learned.
    """

    def __init__(self, policy: Any, values: Any, *, beta: float, support: float) -> None:
        super().__init__()
        self.policy, self.values = policy, values
        self.beta, self.support = beta, support
        self.config, self.generation_config = policy.config, policy.generation_config

    @property
    def device(self) -> torch.device:
        """Where both networks are."""
        return self.policy.device

    def get_input_embeddings(self) -> nn.Module:
        """The policy's."""
        return self.policy.get_input_embeddings()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: DynamicCache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
    ) -> CausalLMOutputWithPast:
        """`[rows, tokens, vocabulary]` Logits. The past holds the policy's layers, then those of Q."""
        kept = DynamicCache() if past_key_values is None else past_key_values
        layers, mine = kept.layers, int(self.config.num_hidden_layers)
        halves = DynamicCache(), DynamicCache()
        halves[0].layers, halves[1].layers = layers[:mine], layers[mine:]
        said, worth = (
            network(
                input_ids=input_ids,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=half,
                use_cache=True,
                logits_to_keep=logits_to_keep,
            ).logits
            for network, half in zip((self.policy, self.values), halves, strict=True)
        )
        kept.layers = [*halves[0].layers, *halves[1].layers]
        return CausalLMOutputWithPast(
            logits=tilted(said, worth, beta=self.beta, support=self.support),  # pyright: ignore[reportArgumentType]
            past_key_values=kept if use_cache else None,
        )


def tilted(logits: Tensor, both: Tensor, *, beta: float, support: float) -> Tensor:
    """`[..., tokens]` Logits to act by.

    Args:
        logits: `[..., tokens]` The policy's.
        both: `[..., 2 * tokens]` Q of two heads.
        beta: Weight of the lower of them.
        support: See `Steered`; where nothing is as likely, the likeliest stays.
    """
    every = steered(logits, q=torch.stack(both.chunk(2, dim=-1)), beta=beta)
    chance = logits.softmax(-1)
    least = torch.clamp(chance.amax(-1, keepdim=True), max=support)
    return every.masked_fill(chance < least, torch.finfo(every.dtype).min)
