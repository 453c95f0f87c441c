"""Options of a tiny policy, as the user writes them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class TinyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to answer, and how much to remember."""

    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 256
    """Most tokens to sample in one call that does not say so itself."""
    cache_mb: Annotated[float, msgspec.Meta(ge=0)] = 256.0
    """Room for the keys and values of earlier turns, in MiB. What was dropped for want of room is computed
    again when its episode goes on."""
    logprobs: Literal["raw", "sampled"] = "raw"
    """Which distribution log-probabilities are of: the policy's own (softmax of its logits at temperature 1),
    or the one that was drawn from (after temperature, top-k and top-p)."""
