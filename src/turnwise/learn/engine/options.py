"""What all engines that train with torch themselves are told: how to load, compute and sample."""

from __future__ import annotations

from typing import Literal

import msgspec

from turnwise.errors import ConfigError
from turnwise.models.hf.options import HFOptions


class TorchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """See the module.

    Raises:
        ConfigError: naming the first that cannot be.
    """

    lora: int | None = None
    """Rank of adapters to train instead of all weights; their scale is twice the rank."""
    checkpointing: bool = False
    """Compute activations anew in the backward pass instead of keeping them."""
    tokens: int = 8192
    """Most tokens in one forward pass of one process, padding included."""
    layout: Literal["auto", "rectangles", "lines", "trees"] = "auto"
    """See `layout`; `auto` is rectangles on a CPU, or trees where this process samples and trains alone, rows
    share much of their tokens and the model takes them; on a GPU lines."""
    temperature: float = 1.0
    """At which episodes are sampled; log-probabilities are those of the distribution that was drawn from."""
    max_tokens: int = 256
    """Most tokens of one reply."""
    batch: int = 64
    """Most replies to sample at once."""
    seed: int = 0
    """Of adapters' first weights."""
    server: str | None = None
    """Address of the server that samples, such as `http://localhost:8000`."""
    push_folder: str | None = None
    """Where weights are written for it, a folder that the server sees under the same path; by default a
    temporary one, for a server on this machine."""

    def __post_init__(self) -> None:
        for name in ("lora", "tokens", "max_tokens", "batch"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ConfigError(f"{name}: expected at least 1, got {value}")
        if not self.temperature > 0:
            raise ConfigError(f"temperature: expected above 0, got {self.temperature}")

    @property
    def sampling(self) -> HFOptions:
        """How the policy is sampled from."""
        return HFOptions(
            max_tokens=self.max_tokens,
            max_batch=self.batch,
            keep_thoughts=True,
            lockstep=True,
            logprobs="raw" if self.temperature == 1 else "sampled",
        )
