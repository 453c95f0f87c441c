"""A policy that another library serves as a function from token ids to token ids, as a `Model`.

Messages are written once: each prompt is the last prompt, the last sample token for token, and the rendering
of what came since (see `turnwise.models.hf.chat`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from turnwise.errors import ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample, Usage
from turnwise.models.hf.chat import Memory, chat_of
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions


class Answer(NamedTuple):
    """What was sampled after a prompt."""

    ids: Sequence[int]
    logprobs: Sequence[float] | None
    """Of each, natural logarithm, where they are told."""
    finish: str
    """`stop` or `length`."""


Generate = Callable[[list[int], Request], Awaitable[Answer]]
"""Samples after token ids; of the request only session and sampling matter."""


class TokenModel:
    """See the module.

    Args:
        name: How logs call it.
        tokenizer: Of transformers, with a chat template.
        generate: Samples.
        template: Further variables of the chat template.

    Raises:
        ConfigError: the tokenizer has no chat template, or it cannot show a message.
    """

    remote = False

    def __init__(
        self, name: str, tokenizer: Any, generate: Generate, *, template: Mapping[str, Any] | None = None
    ) -> None:
        self.name = name
        self._generate = generate
        # Thoughts stay in the prompt, so that an episode is one row.
        options = HFOptions(keep_thoughts=True, template_kwargs=dict(template or {}))
        eos = frozenset(() if tokenizer.eos_token_id is None else (tokenizer.eos_token_id,))
        self._memory = Memory(chat_of(name, options, Loaded(None, tokenizer, None, eos, None, {})))

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: the messages cannot be shown, or nothing came back.
        """
        # The list may be the role's own, which grows while this call is on its way.
        request = msgspec.structs.replace(request, messages=list(request.messages))
        prompt = self._memory.prompt(request.session, request.messages, request.tools)
        answer = await self._generate(prompt, request)
        sampled = list(answer.ids)
        if answer.logprobs is not None and len(answer.logprobs) != len(sampled):
            raise ModelError(
                f"{self.name}: {len(sampled)} tokens came with {len(answer.logprobs)} log-probabilities",
                kind="malformed",
            )
        message = self._memory.chat.read(prompt, sampled, request)
        self._memory.keep(request.session, request.messages, request.tools, message, prompt, sampled)
        calls = bool(message.tool_calls) and answer.finish == "stop"
        return Sample(
            message=message,
            finish="tool_calls" if calls else answer.finish,
            usage=Usage(input=len(prompt), output=len(sampled)),
            prompt_ids=prompt,
            sampled_ids=sampled,
            logprobs=None if answer.logprobs is None else list(answer.logprobs),
        )

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """Take over a recorded call, so that the next prompt extends it token for token."""
        if sampled_ids is not None:
            shown, tools = list(request.messages), request.tools
            prompt = self._memory.prompt(request.session, shown, tools)
            self._memory.keep(request.session, shown, tools, message, prompt, list(sampled_ids))

    def forget(self, session: str) -> None:
        """The session is over."""
        self._memory.forget(session)

    async def close(self) -> None:
        """Nothing to let go of."""
