"""The trained network samples itself: nothing to copy, so it rests while its weights change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager

from turnwise.learn.engine.protocol import Drawn
from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.model import Request, Sampling
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.model import HFModel
from turnwise.models.hf.options import HFOptions


class SharedSampler:
    """See the module and `Sampler`.

    Args:
        name: What to call the model, without `hf/`.
        loaded: The network that is trained, or one like it.
        options: How it samples.
    """

    exact = True

    def __init__(self, name: str, loaded: Loaded, options: HFOptions) -> None:
        self.policy = HFModel(name, options, loaded)
        self.policy.version = "0"

    @property
    def version(self) -> int:
        """See `Sampler.version`."""
        return int(self.policy.version or 0)

    async def draw(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int, seed: int | str
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        requests = [Request(messages=(), sampling=sampling, rng_seed=seed, ordinal=n) for n in range(count)]
        jobs = await asyncio.gather(*(self.policy.draw(list(prompt), request) for request in requests))
        return [Drawn(job.sampled, job.logprobs, job.finish or "stop") for job in jobs]

    def changing(self) -> AbstractContextManager[None]:
        """Generation rests between two tokens."""
        return self.policy.changing(str(self.version))

    def sync(self, weights: Weights, version: int) -> None:
        """The weights are those of the network already; what was cached under older ones is dropped."""
        with self.policy.changing(str(version)):
            pass

    async def close(self) -> None:
        """End the sampling thread."""
        await self.policy.close()
