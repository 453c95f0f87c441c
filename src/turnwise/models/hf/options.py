"""Options of a local model, as the user writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]


class HFOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to load a model and how much of it to use at once."""

    device: str = "auto"
    """A torch device such as `cpu`, `cuda:1` or `mps`; `auto` takes the first accelerator, else the CPU."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Type of the weights; `auto` is the one they are stored in."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    trust_remote_code: bool = False
    """Run code that comes with the weights. It is not sandboxed."""
    renderer: str = "auto"
    """Name of a chat format of the `renderers` package, `template` for the tokenizer's own chat template, or
    `auto`: the former where that package knows the model by its hub id, else the latter."""
    template_kwargs: dict[str, Any] = {}
    """Further variables of the chat format, e.g. `enable_thinking`."""
    keep_thoughts: bool = False
    """Leave earlier thoughts in the prompt even where the chat format drops them at the user's next message:
    each prompt then extends the last one token for token, and is one sample to train on."""
    max_tokens: Count = 1024
    """Most tokens to sample in one call that does not say so itself."""
    max_batch: Count = 32
    """Most calls to work on at once."""
    max_wait_ms: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    """How long an idle model waits for further calls to start with the first one, in milliseconds."""
    prefill_tokens: Count = 4096
    """Most prompt tokens, padding included, to feed in one step (a longer prompt is fed alone)."""
    decoding: Literal["auto", "transformers"] = "auto"
    """Who computes a network of the Llama family: `auto` is decoding written out here, if it gives the
    network's own logits (see `llama`); `transformers` is its own code, whose hooks then see every call."""
    cache_mb: Annotated[float, msgspec.Meta(ge=0)] = 2048.0
    """Room for the keys and values of earlier turns, in MiB; 0 keeps none."""
    lockstep: bool = False
    """Let batches follow from what is asked alone, never from when: then the same episodes on the same
    processor sample the same tokens with the same log-probabilities, bit for bit. See `lockstep`."""
    logprobs: Literal["raw", "sampled"] = "raw"
    """Which distribution log-probabilities are of: the model's own (softmax of its logits at temperature 1),
    or the one that was drawn from (after temperature, top-k and top-p)."""
