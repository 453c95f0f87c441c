"""The model `hf/…`: renders a request, has it generated in this process, and reads the sample."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from turnwise.model import Request
from turnwise.models.draws import draw_of
from turnwise.models.hf.aside import aside
from turnwise.models.hf.batch import Batch, Counters
from turnwise.models.hf.job import Job, Runner
from turnwise.models.hf.llama import Llama
from turnwise.models.hf.loading import Loaded, load
from turnwise.models.hf.lockstep import LockstepWorker
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.padded import PaddedRunner
from turnwise.models.hf.past import Pasts
from turnwise.models.hf.seats import SeatRunner
from turnwise.models.hf.speaker import Speaker
from turnwise.models.hf.worker import Worker

Result = TypeVar("Result")


class HFModel(Speaker):
    """A transformers model in this process; see the package.

    Args:
        name: Folder or hub id; for a model that is loaded already, what to call it.
        options: See there.
        loaded: The model, where it is in memory already (`loading.adopt`): because it is being trained, say.

    Raises:
        ConfigError: it cannot be loaded or shown messages.
    """

    remote = False

    def __init__(self, name: str, options: HFOptions, loaded: Loaded | None = None) -> None:
        loaded = load(name, options) if loaded is None else loaded
        super().__init__(f"hf/{name}", options, loaded)
        eos = loaded.eos | self._memory.chat.ends
        self._batch = Batch(
            _runner(loaded.model, options),
            loaded.tokenizer,
            eos,
            prefill_tokens=options.prefill_tokens,
            logprobs=options.logprobs,
        )
        if options.lockstep:
            self._worker: Worker = LockstepWorker(self.name, self._batch, max_batch=options.max_batch)
        else:
            wait = options.max_wait_ms / 1000
            self._worker = Worker(self.name, self._batch, max_batch=options.max_batch, wait=wait)

    @property
    def network(self) -> Any:
        """The `transformers.PreTrainedModel`, for whoever trains or inspects it."""
        return self._loaded.model

    @property
    def decoding(self) -> str:
        """Who computes: `llama`, written out here, or `transformers`."""
        return "llama" if isinstance(self._batch.runner, SeatRunner) else "transformers"

    @contextmanager
    def changing(self, version: str) -> Generator[None]:
        """Around a change of the weights: generation rests between two tokens, then goes on as `version`.

        Keys and values of earlier turns are dropped; sequences that are being generated go on with theirs,
        and are told of as the version they began with.
        """
        with self._worker.held():
            yield
            self.version = version

    def run(self, work: Callable[[], Result]) -> Result:
        """Compute something else in the thread that samples, between two tokens, and wait for it.

        On a CPU, small networks are trained faster there than beside it; see `aside`.
        """
        return self._worker.run(work)

    async def draw(self, prompt: list[int], request: Request) -> Job:
        """Sample after token ids instead of messages.

        Args:
            prompt: Token ids.
            request: How to sample, and in which session; its messages are not looked at.

        Returns:
            The job, done: `sampled`, `logprobs` and `finish`.

        Raises:
            ModelError: of the kinds `bad_request`, `context_length`, `memory` and `local` (the forward pass
                failed).
        """
        self._check(request, prompt)
        job = Job(
            prompt,
            draw_of(request, self._loaded.defaults),
            self._limit(request, len(prompt)),
            stop=request.sampling.stop,
            session=request.session,
            place=(str(request.rng_seed), request.ordinal),
            loop=asyncio.get_running_loop(),
        )
        self._worker.submit(job)
        await asyncio.wrap_future(job.done)
        return job

    async def _generate(self, prompt: list[int], request: Request, version: str | None) -> Job:
        return await self.draw(prompt, request)

    @property
    def counters(self) -> Counters:
        """What it has done so far."""
        return self._batch.counters

    def forget(self, session: str) -> None:
        """Drop a session's tokens, keys and values."""
        super().forget(session)
        self._worker.forget(session)

    async def close(self) -> None:
        """Drop all sessions and end the thread; the weights stay, and a later request starts it again."""
        self._memory.clear()
        await asyncio.to_thread(self._worker.stop)


def _runner(model: Any, options: HFOptions) -> Runner:
    """Who computes: what is written out here where it fits the network, else transformers."""
    pasts = Pasts(int(options.cache_mb * 2**20))
    network = aside(lambda: Llama.find(model)) if options.decoding == "auto" else None
    if network is None:
        return PaddedRunner(model, pasts)
    return SeatRunner(network, pasts)
