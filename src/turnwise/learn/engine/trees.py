"""Lines of trees through a transformers model: its attention is ours (`branches`) while it trains.

transformers lets attention be registered by name, and hands it each layer's queries, keys and values, rotated
already. All else in a model (embeddings, projections, experts, norms, adapters) works on one token at a time
and is computed once for each token of a tree, in one forward pass, with gradient checkpointing as without.

That holds for models whose layers look at other tokens in attention alone, at all of them, and by that name.
`fits` finds out: by what the model says of itself, and by trying a small tree.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.batch import Ints
from turnwise.learn.engine.branches import Branches, attend

NAME = "turnwise_branches"
"""Of our attention, among transformers'."""
_BEYOND = ("sliding_window", "softcap", "position_bias", "s_aux", "head_mask", "cache")
"""What changes attention in a way that is not ours."""
_ROWS = ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (0, 1, 2, 3, 4, 5, 6, 10, 11), (0, 1, 2, 3, 12, 13, 14))
_POSITIONS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 4, 5, 6)
_SEGMENTS = ((0, 4, 15), (4, 7, 12), (7, 10, 10), (10, 12, 12), (12, 15, 15))
_CLOSE = {torch.float32: 1e-3, torch.float64: 1e-3}
_CLOSE_ELSE = 0.1
"""How far hidden states may be apart, in standard deviations of them; the latter in half precision."""


@contextmanager
def growing(module: Any) -> Generator[None]:
    """Forward passes that are given `inputs` attend along branches; so do backward passes that compute them
    anew. Other passes are as ever.

    Args:
        module: `transformers.PreTrainedModel` that `fits`.
    """
    from transformers import masking_utils, modeling_utils

    masks: Any = masking_utils.AttentionMaskInterface
    masks.register(NAME, cast(Any, masking_utils).sdpa_mask)
    attentions: Any = modeling_utils.AttentionInterface
    attentions.register(NAME, _attention)
    configs = _configs(module.config)
    before = [config._attn_implementation for config in configs]
    for config in configs:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config, name in zip(configs, before, strict=True):
            config._attn_implementation = name


def inputs(segments: Ints, device: torch.device) -> dict[str, Any]:
    """What a forward pass is given besides a line's ids and positions.

    Args:
        segments: `[S, 3]`, see `Branches`.
        device: Where the network is.
    """
    # A mask of four dimensions is one that transformers leaves alone: none is made.
    nothing = torch.ones(1, 1, 1, 1, dtype=torch.bool, device=device)
    return {"branches": Branches(segments, device), "attention_mask": nothing}


def fits(module: Any) -> bool:
    """Whether lines of trees give what rows alone give, in a model as it is now.

    Args:
        module: `transformers.PreTrainedModel` in evaluation mode.
    """
    try:
        return _only_full_attention(module) and _tried(module)
    except Exception:
        # Whatever it is that such a model does not take: it is trained in another layout.
        return False


def _only_full_attention(module: Any) -> bool:
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    usual = {config._attn_implementation for config in _configs(module.config)} == {"sdpa"}
    supported = usual and bool(getattr(module, "_supports_attention_backend", False))
    return supported and all(
        type(layer) is DynamicLayer for layer in DynamicCache(config=module.config).layers
    )


@torch.no_grad()
def _tried(module: Any) -> bool:
    """Whether the last hidden states of a tree of three rows are those of the rows alone."""
    device, network = module.device, module.base_model
    ids = (
        torch.arange(len(_POSITIONS), device=device) * 7 + 1
    ) % module.get_input_embeddings().num_embeddings
    alone = [network(input_ids=ids[None, list(row)], use_cache=False).last_hidden_state[0] for row in _ROWS]
    with growing(module):
        tree = network(
            input_ids=ids[None],
            position_ids=torch.tensor(_POSITIONS, device=device)[None],
            use_cache=False,
            **inputs(np.array(_SEGMENTS), device),
        ).last_hidden_state[0]
    rows = torch.cat(alone).float()
    apart = (torch.cat([tree[list(row)] for row in _ROWS]).float() - rows).abs().max()
    return bool(apart <= _CLOSE.get(module.dtype, _CLOSE_ELSE) * rows.std())


def _attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    dropout: float = 0.0,
    branches: Branches | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """As transformers calls it: `[1, H, N, D]` queries, `[1, K, N, D]` keys and values, H a multiple of K."""
    if branches is None:
        from transformers.integrations import sdpa_attention

        usual: Any = sdpa_attention
        return usual.sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    if odd := [name for name in _BEYOND if others.get(name) is not None]:
        raise ValueError(f"attention along branches is not made for {', '.join(odd)}")
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attend(query[0], key[0], value[0], branches, scale)[None], None


def _configs(config: Any) -> list[Any]:
    """A model's config and those inside it."""
    parts = (getattr(config, name, None) for name in getattr(config, "sub_configs", {}))
    return [config, *(inner for part in parts if part is not None for inner in _configs(part))]
