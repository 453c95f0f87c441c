"""Token in, token out: what models share that render a conversation to token ids here, whoever generates.

`HFModel` generates in this process, a server elsewhere; both keep each session's tokens as they were fed and
sampled (`chat.Memory`), so that the next prompt extends them, and both read a message from the sampled ids.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import msgspec

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Alternatives, Request, Sample, Usage
from turnwise.models.draws import Likeliest
from turnwise.models.hf.chat import Memory, chat_of
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions

_EXTRAS = {"top_k"}


class Generated(Protocol):
    """What was generated after a prompt."""

    @property
    def prompt(self) -> list[int]:
        """Token ids that were fed."""
        ...

    @property
    def sampled(self) -> list[int]:
        """Token ids, the end token included where it was sampled."""
        ...

    @property
    def logprobs(self) -> list[float]:
        """Of each sampled token."""
        ...

    @property
    def alternatives(self) -> Sequence[Likeliest]:
        """For each sampled token, where they were asked for and can be told; else empty."""
        ...

    @property
    def finish(self) -> str | None:
        """`stop` or `length`."""
        ...

    @property
    def cached(self) -> int:
        """Prompt tokens that an earlier turn had left in a cache."""
        ...


class Speaker(ABC):
    """A model of messages over one of tokens; see the module.

    Args:
        name: Its full name.
        options: How it is shown messages, and how long its answers may be.
        loaded: Tokenizer and limits; the network itself is not looked at here.

    Raises:
        ConfigError: it cannot be shown messages.
    """

    def __init__(self, name: str, options: HFOptions, loaded: Loaded) -> None:
        self.name = name
        self.options = options
        self.version: str | None = None
        """Policy version, told with each sample: which weights these are, where they change."""
        self._loaded = loaded
        self._memory = Memory(chat_of(name, options, loaded))

    @abstractmethod
    async def _generate(self, prompt: list[int], request: Request, version: str | None) -> Generated:
        """Sample after `prompt`; the request's messages are not looked at."""

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: of the kinds `bad_request` (a value or content that cannot be used), `context_length`,
                and those of whoever generates.
        """
        # The list may be the role's own, which grows while this call is on its way.
        request = msgspec.structs.replace(request, messages=list(request.messages))
        version = self.version
        prompt = self._memory.prompt(request.session, request.messages, request.tools)
        return self._read(request, await self._generate(prompt, request, version), version)

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Take over a recorded call, so that the next prompt extends it token for token.

        Without the ids it sampled there is nothing to extend, and the next prompt is rendered afresh.
        """
        if sampled_ids is not None:
            prompt = self._memory.prompt(request.session, request.messages, request.tools)
            self._keep(request, message, prompt, list(sampled_ids))

    def forget(self, session: str) -> None:
        """Drop a session's tokens."""
        self._memory.forget(session)

    def _check(self, request: Request, prompt: list[int]) -> None:
        """Whether this can be asked of the model at all."""
        for key in request.sampling.extra:
            if key not in _EXTRAS:
                known = ", ".join(sorted(_EXTRAS))
                raise ModelError(
                    f"{self.name}: sampling.extra has {key!r}, known here: {known}", kind="bad_request"
                )
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

    def _read(self, request: Request, answer: Generated, version: str | None) -> Sample:
        message = self._memory.chat.read(answer.prompt, answer.sampled, request)
        self._keep(request, message, answer.prompt, answer.sampled)
        finish = "tool_calls" if message.tool_calls and answer.finish == "stop" else answer.finish or "stop"
        return Sample(
            message=message,
            finish=finish,
            usage=Usage(input=len(answer.prompt), output=len(answer.sampled), cached=answer.cached),
            version=version,
            prompt_ids=answer.prompt,
            sampled_ids=answer.sampled,
            logprobs=answer.logprobs,
            alternatives=[self._as_text(likeliest) for likeliest in answer.alternatives] or None,
        )

    def _as_text(self, likeliest: Likeliest) -> Alternatives:
        decode = self._loaded.tokenizer.decode
        return tuple((decode([token], skip_special_tokens=False), logprob) for token, logprob in likeliest)

    def _keep(self, request: Request, message: Message, prompt: list[int], sampled: list[int]) -> None:
        self._memory.keep(request.session, request.messages, request.tools, message, prompt, sampled)
