"""The model `tiny/…`: a policy in numpy, one token after the other, each call as if it were alone.

Nothing is batched, so what an episode is answered does not depend on what else is being played, bit for bit.
Rendering and reading are those of `hf/` models (`models.hf.speaker`): the same folder says the same there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from turnwise.message import Message
from turnwise.model import Request
from turnwise.models.draws import Likeliest, draw_of
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.speaker import Speaker
from turnwise.models.tiny.blas import alone
from turnwise.models.tiny.draw import choose, likeliest
from turnwise.models.tiny.folder import Policy
from turnwise.models.tiny.llama import Array, Cache
from turnwise.models.tiny.options import TinyOptions
from turnwise.models.tiny.past import Trace, Traces

_TURN = 32
"""Tokens after which others get their turn."""


class Answer:
    """What is being generated; see `speaker.Generated`."""

    def __init__(self, prompt: list[int], cached: int) -> None:
        self.prompt = prompt
        self.sampled: list[int] = []
        self.logprobs: list[float] = []
        self.alternatives: list[Likeliest] = []
        self.finish: str | None = None
        self.cached = cached


class TinyModel(Speaker):
    """See the module.

    Args:
        name: What it is called behind `tiny/`.
        options: See there.
        policy: The policy, in memory.

    Raises:
        ConfigError: it cannot be shown messages.
    """

    remote = False

    def __init__(self, name: str, options: TinyOptions, policy: Policy) -> None:
        told = HFOptions(renderer="template", max_tokens=options.max_tokens)
        super().__init__(f"tiny/{name}", told, policy.loaded)
        self.version = policy.version
        self.network = policy.network
        """The network."""
        self._eos = policy.loaded.eos | self._memory.chat.ends
        self._given = options
        self._traces = Traces(int(options.cache_mb * 2**20))

    async def _generate(self, prompt: list[int], request: Request, version: str | None) -> Answer:
        self._check(request, prompt)
        draw = draw_of(request, self._loaded.defaults)
        limit = self._limit(request, len(prompt))
        trace = self._traces.begin(request.session, prompt)
        answer = Answer(prompt, len(trace.ids))
        trace.add(prompt[len(trace.ids) :])
        logits = self._feed(trace)
        while answer.finish is None:
            token, logprob = choose(logits, draw, self._given.logprobs)
            answer.sampled.append(token)
            answer.logprobs.append(logprob)
            if draw.alternatives:
                answer.alternatives.append(likeliest(logits, draw, self._given.logprobs))
            if token in self._eos or self._stopped(answer.sampled, request.sampling.stop):
                answer.finish = "stop"
            elif len(answer.sampled) >= limit:
                answer.finish = "length"
            else:
                trace.add([token])
                logits = self._feed(trace)
                if len(answer.sampled) % _TURN == 0:
                    await asyncio.sleep(0)
        self._traces.keep(request.session, trace)
        return answer

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Take over a recorded call, so that the next one goes on as if it had been made here."""
        if sampled_ids:
            prompt = self._memory.prompt(request.session, request.messages, request.tools)
            trace = self._traces.begin(request.session, prompt)
            trace.add(prompt[len(trace.ids) :])
            trace.add(sampled_ids[:-1], piece=1)
            self._traces.keep(request.session, trace)
        super().replayed(request, message, sampled_ids)

    def forget(self, session: str) -> None:
        """Drop a session's tokens, keys and values."""
        super().forget(session)
        self._traces.forget(session)

    async def close(self) -> None:
        """Drop all sessions; the weights stay."""
        self._memory.clear()
        self._traces.clear()

    def _feed(self, trace: Trace) -> Array:
        """Feed what of a trace has not been; logits behind its last token."""
        cache = trace.cache
        if cache is None:
            cache = trace.cache = Cache(self.network.shape)
        logits = None
        with alone():
            for piece in trace.pieces(cache.length):
                logits = self.network.feed(piece, cache)
        assert logits is not None
        return logits

    def _stopped(self, sampled: list[int], stop: tuple[str, ...]) -> bool:
        """Whether a stop string has come up. Each token says a byte or more, which bounds where it began."""
        if not stop:
            return False
        window = max(len(text.encode()) for text in stop) + 8
        tail = self._loaded.tokenizer.decode(sampled[-window:])
        return any(text in tail for text in stop)
