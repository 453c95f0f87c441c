"""What an engine asks of whoever samples for it.

A sampler has a `policy`, which episodes ask, and weights, which are those of the last `sync`. Four are there:
the trained network itself (`shared`: nothing to copy, but it rests while the weights change), a copy in this
process (`copied`: it goes on with the older weights while they change), and a vLLM or SGLang server
(`vllm`, `sglang`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TypeAlias

from turnwise.learn.engine.protocol import Drawn
from turnwise.model import Model, Sampling

if TYPE_CHECKING:
    from torch import Tensor

Weights: TypeAlias = "Iterable[tuple[str, Tensor]]"
"""What is trained, by its name in the network's `named_parameters()`; each tensor whole."""


class Sampler(Protocol):
    """Samples with the weights of the last `sync`."""

    @property
    def policy(self) -> Model:
        """Episodes' model: its samples carry token ids, log-probabilities and the version they began with."""
        ...

    @property
    def version(self) -> int:
        """Policy version of the last `sync`; 0 before the first."""
        ...

    @property
    def exact(self) -> bool:
        """Whether the same weights, tasks and seeds sample the same tokens, bit for bit."""
        ...

    async def draw(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int, seed: int | str
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        ...

    def changing(self) -> AbstractContextManager[None]:
        """Around a change of the trained weights in place."""
        ...

    def sync(self, weights: Weights, version: int) -> None:
        """Go on with these weights, under this policy version. May be called from any thread.

        Raises:
            TrainingError: they did not arrive; nothing is sampled until a later `sync` succeeds.
        """
        ...

    async def close(self) -> None:
        """Let go of threads, connections and memory."""
        ...
