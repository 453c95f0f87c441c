"""A server samples: the conversation is rendered to token ids here, ids and log-probabilities come back.

Token in, token out, as in this process (`models.hf.speaker`): the server never sees a message, so its chat
template, its tool parser and its reasoning parser have no say, and the prompt of turn n + 1 is the prompt of
turn n, what was sampled, and what came since, id for id.

**No stale weights, silently.** New weights go to the server before a version counts as new. A push that fails
stops the training, and nothing is sampled until one succeeds; each server's own way of telling which weights
it has (`vllm`, `sglang`) is looked at, so that one that was restarted, or that somebody else pushed to, is
noticed. When training begins, what the server says of its samples is compared with what the trained network
says of them (`proof`).

A sample keeps the version it began with.
"""

from __future__ import annotations

import asyncio
import secrets
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from random import Random
from time import monotonic
from typing import Any, ClassVar, NamedTuple, TypeAlias

from turnwise.errors import ConfigError, ModelError
from turnwise.learn.engine.protocol import Drawn, TrainingError
from turnwise.learn.engine.sampling.far import Far
from turnwise.learn.engine.sampling.folder import Folders
from turnwise.learn.engine.sampling.protocol import Weights
from turnwise.model import Model, Request, Sampling
from turnwise.models.draws import Likeliest, draw_of
from turnwise.models.hf.loading import Loaded
from turnwise.models.hf.options import HFOptions
from turnwise.models.hf.speaker import Speaker
from turnwise.models.parts import whole
from turnwise.models.policy import CallPolicy
from turnwise.models.retry import Retries

_PROBE = 16
"""Tokens of a probe."""
_GLANCE = 0.01
"""Seconds between looks at whether a push is over."""
_KEPT = 3
"""Adapters that stay with the server: the newest, and those that requests in flight may still name."""


class Ask(NamedTuple):
    """What a server is asked for."""

    prompt: list[int]
    temperature: float
    top_p: float
    top_k: int
    """0 keeps all tokens."""
    limit: int
    """Most tokens."""
    stop: tuple[str, ...] = ()
    seed: int | None = None
    version: str = "0"
    """Policy version."""
    endless: bool = False
    """Go on after an end token, too."""


class Answer(NamedTuple):
    """What it answered; see `speaker.Generated`."""

    prompt: list[int]
    sampled: list[int]
    logprobs: list[float]
    finish: str | None
    cached: int = 0
    alternatives: Sequence[Likeliest] = ()


Send: TypeAlias = Callable[[Ask], Awaitable[Answer]]


class ServedPolicy(Speaker):
    """Episodes' model.

    Args:
        name: Its full name.
        options: How it samples.
        loaded: Tokenizer, end tokens and limits.
        send: Asks the server once.
        shut: Closes its connections.
        calls: How calls that failed are tried again.
    """

    remote = True

    def __init__(
        self,
        name: str,
        options: HFOptions,
        loaded: Loaded,
        send: Send,
        shut: Callable[[], Awaitable[None]],
        calls: CallPolicy,
    ) -> None:
        super().__init__(name, options, loaded)
        self.version = "0"
        self.calls = calls
        """How calls that failed are tried again."""
        self._send = send
        self._shut = shut
        self._rng = Random()

    @property
    def ends(self) -> list[int]:
        """Token ids that end a sample."""
        return sorted(self._loaded.eos | self._memory.chat.ends)

    def hello(self) -> list[int]:
        """A prompt to try a server on."""
        from turnwise.message import user

        return self._memory.chat.render([user("hello")], [])

    async def draw(self, prompt: list[int], request: Request) -> Answer:
        """Sample after token ids instead of messages; see `HFModel.draw`."""
        return await self._generate(prompt, request, self.version)

    async def close(self) -> None:
        """Drop all sessions and close connections."""
        self._memory.clear()
        await self._shut()

    async def _generate(self, prompt: list[int], request: Request, version: str | None) -> Answer:
        self._check(request, prompt)
        draw, sampling = draw_of(request, self._loaded.defaults), request.sampling
        ask = Ask(
            prompt,
            draw.temperature,
            draw.top_p,
            draw.top_k,
            self._limit(request, len(prompt)),
            sampling.stop,
            sampling.seed,
            version or "0",
        )
        retries = Retries(self.calls, self._rng)
        while True:
            began = monotonic()
            try:
                return await self._send(ask)
            except ModelError as error:
                delay = retries.delay(error, monotonic() - began)
                if delay is None:
                    raise retries.final(self.name, error) from error
                await asyncio.sleep(delay)


class ServedSampler(ABC):
    """What both kinds of server share; see the module and `Sampler`.

    Args:
        name: The model's name, without `hf/`.
        loaded: The network that is trained, and its tokenizer.
        options: How it samples.
        url: The server's address.
        adapter: peft's model, where adapters alone are trained.
        push: How new weights get there: as files that it reads, or by NCCL from GPU to GPU. `auto` is files
            for adapters and where there is no GPU here, else NCCL.
        folder: See `Folders`.

    Raises:
        ConfigError: the server cannot be reached, or is of another kind.
    """

    exact = False
    kind: ClassVar[str]
    """What the server is called."""
    key: ClassVar[str]
    """Environment variable of its key."""

    def __init__(
        self,
        name: str,
        loaded: Loaded,
        options: HFOptions,
        *,
        url: str | None,
        adapter: Any = None,
        push: str = "auto",
        folder: str | None = None,
    ) -> None:
        full = f"{self.kind}/{name}"
        if not url:
            raise ConfigError(f"sampler {self.kind!r} needs `server`, such as http://localhost:8000")
        self.far = Far(full, url, self.key)
        self._mark = f"turnwise-{secrets.token_hex(4)}"
        """Begins the names of all that is pushed, so that it is told from what others push."""
        self._loaded: list[str] = []
        """Names of the adapters the server has."""
        self._module = loaded.model
        self._rows = loaded.rows
        self._adapters = adapter is not None
        if push == "auto":
            push = "disk" if self._adapters or loaded.model.device.type != "cuda" else "nccl"
        if push == "nccl" and self._adapters:
            raise ConfigError("push 'nccl' is for whole models: adapters go by 'disk'")
        self.nccl = push == "nccl"
        self.folders = Folders(folder, loaded.model, adapter, loaded.tokenizer)
        try:
            context = self._find()
        except ModelError as error:
            raise ConfigError(f"no {self.kind} server: {error}") from error
        if context is not None and (loaded.context is None or context < loaded.context):
            loaded = loaded._replace(context=context)
        self._context = loaded.context
        self._policy = ServedPolicy(full, options, loaded, self._send, self._shut, CallPolicy())
        self._pushing = False
        self._fault: str | None = "no weights were pushed to it"

    @property
    def policy(self) -> Model:
        """See `Sampler.policy`."""
        return self._policy

    @property
    def version(self) -> int:
        """See `Sampler.version`."""
        return int(self._policy.version or 0)

    async def draw(
        self, prompt: Sequence[int], sampling: Sampling, *, count: int, seed: int | str
    ) -> list[Drawn]:
        """See `Engine.sample`."""
        request = Request(messages=(), sampling=sampling, rng_seed=seed)
        jobs = await asyncio.gather(*(self._policy.draw(list(prompt), request) for _ in range(count)))
        return [Drawn(job.sampled, job.logprobs, job.finish or "stop") for job in jobs]

    @contextmanager
    def changing(self) -> Generator[None]:
        """The server has weights of its own: nothing need rest."""
        yield

    def sync(self, weights: Weights, version: int) -> None:
        """Push the weights.

        Raises:
            TrainingError: see `Sampler.sync`.
        """
        # Adapters stand beside each other: who asks for the older one still gets it.
        self._pushing = not self._adapters
        self._fault = None if self._adapters and self._fault is None else f"version {version} did not arrive"
        try:
            self._push(weights, version)
        except (ModelError, OSError, RuntimeError) as error:
            self._fault = f"the push of version {version} failed"
            reason = " ".join(str(error).split())
            raise TrainingError(
                f"the weights of version {version} did not reach the {self.kind} server, which may hold some "
                f"of them: {reason}; mend it, and resume from the last checkpoint"
            ) from error
        else:
            self._policy.version = str(version)
            self._fault = None
        finally:
            self._pushing = False

    def probe(self, temperature: float, count: int = 4) -> list[Answer]:
        """Samples of the server, whatever their ends, to compare its numbers with others.

        Raises:
            ModelError: it gives none.
        """
        hello = self._policy.hello()
        limit = _PROBE if self._context is None else max(1, min(_PROBE, self._context - len(hello)))
        ask = Ask(hello, temperature, 1.0, 0, limit, version=str(self.version), endless=True)
        path, body = self._body(ask)
        return [self._checked(ask, self.far.tell(path, body)) for _ in range(count)]

    async def close(self) -> None:
        """Close connections."""
        await self._policy.close()

    def _name(self, version: int | str) -> str:
        """What the server calls the weights of a version."""
        return f"{self._mark}-{version}"

    def _push(self, weights: Weights, version: int) -> None:
        name = self._name(version)
        if not self._adapters:
            folder = None if self.nccl else str(self.folders.write(weights, name))
            try:
                self._replace(weights, name, folder)
            finally:
                self.folders.drop(name)
            return
        if name in self._loaded:
            # A version that is pushed again (a checkpoint was loaded) is not what it was.
            self._drop(name)
        self._load(name, str(self.folders.write(weights, name)))
        self._loaded.append(name)
        if len(self._loaded) > _KEPT:
            self._drop(self._loaded[0])

    def _drop(self, name: str) -> None:
        self._loaded.remove(name)
        with suppress(ModelError):
            self._unload(name)
        self.folders.drop(name)

    async def _shut(self) -> None:
        await self.far.close()

    async def _send(self, ask: Ask) -> Answer:
        # The push is in another thread, whose end no event of this loop tells.
        while self._pushing:  # noqa: ASYNC110
            await asyncio.sleep(_GLANCE)
        if self._fault is not None:
            raise ModelError(f"{self._policy.name}: nothing is sampled, because {self._fault}", kind="stale")
        path, body = self._body(ask)
        return self._checked(ask, await self.far.ask(path, body))

    def _checked(self, ask: Ask, data: dict[str, Any]) -> Answer:
        try:
            answer = self._answer(ask, data)
        except (KeyError, IndexError, TypeError, AttributeError, ValueError):
            raise self.far.malformed(f"no sample: {data}") from None
        if self._rows is not None and (token := max(answer.sampled, default=0)) >= self._rows:
            raise self.far.malformed(
                f"the token {token}, but the trained model has {self._rows}: it serves another model"
            )
        return answer

    @abstractmethod
    def _find(self) -> int | None:
        """Look whether the server is there and of this kind; most tokens it takes.

        Raises:
            ConfigError: it is of another kind.
            ModelError: it cannot be reached.
        """

    @abstractmethod
    def _body(self, ask: Ask) -> tuple[str, dict[str, Any]]:
        """Where to ask, and what to send."""

    @abstractmethod
    def _answer(self, ask: Ask, data: dict[str, Any]) -> Answer:
        """Read an answer; what is missing may raise as it comes.

        Raises:
            ModelError: it cannot be trained on.
        """

    @abstractmethod
    def _replace(self, weights: Weights, name: str, folder: str | None) -> None:
        """Have the server sample with other weights.

        Args:
            weights: These.
            name: What it shall call them.
            folder: Where they are; None sends them by NCCL.

        Raises:
            ModelError, OSError, RuntimeError: it does not.
        """

    @abstractmethod
    def _load(self, name: str, folder: str) -> None:
        """Have the server load an adapter beside those it has.

        Raises:
            ModelError: it does not.
        """

    @abstractmethod
    def _unload(self, name: str) -> None:
        """Have it drop one.

        Raises:
            ModelError: it does not.
        """


def ids_of(given: Any) -> list[int]:
    """Token ids in an answer."""
    return [whole(token) for token in given]
