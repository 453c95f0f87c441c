"""The model protocol: messages in, one sample out. Providers live in `turnwise.models`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

import msgspec

from turnwise.action import ActionSpace
from turnwise.message import Message, ToolSpec
from turnwise.wire import Record

Alternatives: TypeAlias = tuple[tuple[str, float], ...]
"""The likeliest tokens in one place, as text with log-probability (natural), likeliest first."""


class Sampling(Record, frozen=True, kw_only=True):
    """How to sample; None leaves the choice to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    """Most tokens to sample in one call."""
    stop: tuple[str, ...] = ()
    """Strings that end the sample; they are not part of it."""
    seed: int | None = None
    logprobs: bool = False
    """Ask for the log-probability of each sampled token."""
    top_logprobs: int = 0
    """Ask for so many of the likeliest tokens in the place of each sampled one, too."""
    extra: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Further fields of the provider's request, passed as they are (`extra_body`)."""


class Usage(Record, frozen=True, kw_only=True):
    """Tokens as the provider counts them, and money."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Part of `input` that the provider read from its cache."""
    reasoning: int = 0
    """Part of `output` that was thought, not answer."""
    cost: float = 0.0
    """In the currency of the price table; 0 where no price is known."""


class Request(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One model call to make. Never stored: the call's view says what was shown."""

    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    sampling: Sampling = Sampling()
    session: str = ""
    """The same for all calls of one role in one episode: a local model keeps its KV cache by it."""
    ordinal: int = 0
    """Number of this call among the role's calls in the episode, from 0."""
    rng_seed: int | str = 0
    """Seed that belongs to this role in this episode, for models that draw at random themselves."""
    actions: ActionSpace | None = None
    """The legal replies, where the environment offers them: for models that choose actions by id."""
    task: Any = None
    """The episode's task; only privileged agents (an environment's own solver) may look at it."""


class Sample(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a model answered."""

    message: Message
    finish: str = "stop"
    """Why sampling ended: `stop`, `length`, `tool_calls`, `refusal`, or the provider's own word."""
    usage: Usage | None = None
    model: str | None = None
    """The model's name as the provider reports it, where that differs from the one asked for."""
    version: str | None = None
    """Policy version: which weights sampled (a training step, a fingerprint)."""
    prompt_ids: Sequence[int] | None = None
    """Token ids of the whole prompt exactly as fed, where the provider tells."""
    sampled_ids: Sequence[int] | None = None
    """Token ids exactly as sampled, end token included where it was sampled."""
    logprobs: Sequence[float] | None = None
    """Log-probability of each sampled token, natural logarithm."""
    sampled_texts: Sequence[str] | None = None
    """The sampled tokens as text, where the provider tells these and no ids."""
    alternatives: Sequence[Alternatives] | None = None
    """For each sampled token what might have stood there, where `Sampling.top_logprobs` asked for it."""
    retries: tuple[str, ...] = ()
    """Kinds of the errors after which it was asked for again, in their order; no part of a log."""


class Model(Protocol):
    """Anything that answers messages with a message."""

    @property
    def name(self) -> str:
        """How logs call it, e.g. `openai/gpt-4o`."""
        ...

    @property
    def remote(self) -> bool:
        """Whether calls leave the process: then the engine limits, times and retries them."""
        ...

    async def sample(self, request: Request) -> Sample:
        """Answer one request.

        Raises:
            ModelError: where the call failed; `retryable` tells whether to try again.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and memory."""
        ...


@runtime_checkable
class Stateful(Protocol):
    """A model that keeps something for each session: a script its place, a local model its KV cache.

    What it keeps must follow from the requests alone, so that a resumed, forked or replayed episode, which
    does not ask again what is recorded, can build it up by showing the recorded calls.
    """

    def replayed(self, request: Request, message: Message, sampled_ids: Sequence[int] | None = None) -> None:
        """A call of the session is served from the record: `message` was the answer to `request`.

        Args:
            request: As it would be asked now.
            message: The recorded answer.
            sampled_ids: Its token ids, where they are recorded.
        """
        ...

    def forget(self, session: str) -> None:
        """The session is over."""
        ...
