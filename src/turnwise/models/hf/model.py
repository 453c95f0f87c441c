"""The model `hf/…`: renders a request, has it generated, and reads the sample."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample, Usage
from turnwise.models.hf.batch import Batch, Counters, Job
from turnwise.models.hf.chat import Memory, chat_of
from turnwise.models.hf.draw import draw_of
from turnwise.models.hf.loading import Loaded, load
from turnwise.models.hf.lockstep import LockstepWorker
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.past import Pasts
from turnwise.models.hf.worker import Worker

_EXTRAS = {"top_k"}


class HFModel:
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
        self.name = f"hf/{name}"
        self.options = options
        self.version: str | None = None
        """Policy version, told with each sample: which weights these are, where they change."""
        self._loaded = loaded = load(name, options) if loaded is None else loaded
        chat = chat_of(self.name, options, loaded)
        self._memory = Memory(chat)
        pasts = Pasts(int(options.cache_mb * 2**20))
        eos = loaded.eos | chat.ends
        self._batch = Batch(
            loaded, eos, pasts, prefill_tokens=options.prefill_tokens, logprobs=options.logprobs
        )
        if options.lockstep:
            self._worker: Worker = LockstepWorker(self.name, self._batch, pasts, max_batch=options.max_batch)
        else:
            wait = options.max_wait_ms / 1000
            self._worker = Worker(self.name, self._batch, pasts, max_batch=options.max_batch, wait=wait)

    @property
    def network(self) -> Any:
        """The `transformers.PreTrainedModel`, for whoever trains or inspects it."""
        return self._loaded.model

    @contextmanager
    def changing(self, version: str) -> Generator[None]:
        """Around a change of the weights: generation rests between two tokens, then goes on as `version`.

        Keys and values of earlier turns are dropped; sequences that are being generated go on with theirs,
        and are told of as the version they began with.
        """
        with self._worker.held():
            yield
            self.version = version

    async def draw(self, prompt: list[int], request: Request) -> Job:
        """Sample after token ids instead of messages.

        Args:
            prompt: Token ids.
            request: How to sample, and in which session; its messages are not looked at.

        Returns:
            The job, done: `sampled`, `logprobs` and `finish`.

        Raises:
            ModelError: see `sample`.
        """
        self._check(request)
        self._check_ids(prompt)
        job = Job(
            prompt,
            draw_of(request, self._loaded.defaults),
            self._limit(request, len(prompt)),
            stop=request.sampling.stop,
            session=request.session,
            place=(str(request.rng_seed), request.ordinal),
        )
        self._worker.submit(job)
        await asyncio.wrap_future(job.done)
        return job

    @property
    def counters(self) -> Counters:
        """What it has done so far."""
        return self._batch.counters

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: of the kinds `bad_request` (a value or content that cannot be used), `context_length`,
                `memory` and `local` (the forward pass failed).
        """
        # The list may be the role's own, which grows while this call is on its way.
        request = msgspec.structs.replace(request, messages=list(request.messages))
        version = self.version
        prompt = self._memory.prompt(request.session, request.messages, request.tools)
        return self._read(request, await self.draw(prompt, request), version)

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Take over a recorded call, so that the next prompt extends it token for token.

        Without the ids it sampled there is nothing to extend, and the next prompt is rendered afresh.
        """
        if sampled_ids is not None:
            prompt = self._memory.prompt(request.session, request.messages, request.tools)
            self._keep(request, message, prompt, list(sampled_ids))

    def forget(self, session: str) -> None:
        """Drop a session's tokens, keys and values."""
        self._memory.forget(session)
        self._worker.forget(session)

    async def close(self) -> None:
        """Drop all sessions and end the thread; the weights stay, and a later request starts it again."""
        self._memory.clear()
        await asyncio.to_thread(self._worker.stop)

    def _check(self, request: Request) -> None:
        for key in request.sampling.extra:
            if key not in _EXTRAS:
                known = ", ".join(sorted(_EXTRAS))
                raise ModelError(
                    f"{self.name}: sampling.extra has {key!r}, known here: {known}", kind="bad_request"
                )

    def _check_ids(self, prompt: list[int]) -> None:
        rows = self._loaded.rows
        if rows is not None and (token := max(prompt, default=0)) >= rows:
            # Fed to it, this would be an error of everybody's batch; on a GPU, the end of the process.
            name = self._loaded.tokenizer.convert_ids_to_tokens(token)
            raise ModelError(
                f"{self.name}: the messages hold the token {name!r}, which the model has no row for",
                kind="bad_request",
            )

    def _limit(self, request: Request, length: int) -> int:
        """Most tokens to sample after a prompt of so many."""
        wanted = request.sampling.max_tokens or self.options.max_tokens
        context = self._loaded.context
        if context is None:
            return wanted
        if length >= context:
            raise ModelError(
                f"{self.name}: the prompt has {length} tokens, the model takes {context} with its answer",
                kind="context_length",
            )
        return min(wanted, context - length)

    def _read(self, request: Request, job: Job, version: str | None) -> Sample:
        message = self._memory.chat.read(job.prompt, job.sampled, request)
        self._keep(request, message, job.prompt, job.sampled)
        finish = "tool_calls" if message.tool_calls and job.finish == "stop" else job.finish or "stop"
        return Sample(
            message=message,
            finish=finish,
            usage=Usage(input=len(job.prompt), output=len(job.sampled), cached=job.cached),
            version=version,
            prompt_ids=job.prompt,
            sampled_ids=job.sampled,
            logprobs=job.logprobs,
        )

    def _keep(self, request: Request, message: Message, prompt: list[int], sampled: list[int]) -> None:
        self._memory.keep(request.session, request.messages, request.tools, message, prompt, sampled)
