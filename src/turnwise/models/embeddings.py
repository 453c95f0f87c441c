"""Texts as vectors: an embedding model by its name, at an endpoint or in this process.

    openai/<model>    any endpoint that has OpenAI's `/embeddings`; address and key as of the model `openai/…`
    minilm            all-MiniLM-L6-v2, in this process (`minilm.py`)

Calls to an endpoint are retried as those
to a model are. Whoever embeds within an episode makes an effect of what follows from it (`Episode.effect`).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from turnwise.embedder import Embedder, Vectors
from turnwise.errors import ConfigError, ModelError
from turnwise.models.hosted import HostedOptions, access
from turnwise.models.minilm import MiniLM
from turnwise.models.options import checked, sdk_of
from turnwise.models.policy import CallPolicy
from turnwise.models.retry import Retries
from turnwise.models.transport import stainless


class NoOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of a model in this process."""


class EmbeddingOptions(HostedOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of an endpoint; the usual variables are `OPENAI_BASE_URL` and `OPENAI_API_KEY`."""

    dimensions: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Length to cut the vectors to, for models that can."""
    batch: Annotated[int, msgspec.Meta(ge=1)] = 128
    """Most texts in one request."""


def connect(name: str, options: Mapping[str, Any] | None = None) -> Embedder:
    """The embedding model of this name.

    Raises:
        ConfigError: there is none, an option does not fit, a key is needed and not set, or a package is
            missing.
    """
    vendor, _, model = name.partition("/")
    if vendor == "openai" and model:
        return OpenAIEmbeddings(model, checked(f"embedding {name}", options or {}, EmbeddingOptions))
    if name == "minilm":
        checked(f"embedding {name}", options or {}, NoOptions)
        return MiniLM()
    raise ConfigError(f"no embedding model {name!r}: expected openai/MODEL or minilm")


class OpenAIEmbeddings:
    """An embedding model behind OpenAI's protocol.

    Args:
        model: Its name there.
        options: Where it is, and how it is asked.
        policy: Time-outs and retries of each request.
    """

    def __init__(self, model: str, options: EmbeddingOptions, policy: CallPolicy | None = None) -> None:
        self.model = model
        self.options = options
        self.policy = policy or CallPolicy()
        own = {"dimensions": options.dimensions, "extra_body": options.extra_body}
        unusual = {key: value for key, value in own.items() if value}
        said = msgspec.json.encode(unusual, order="sorted").decode() if unusual else ""
        self.name = f"openai/{model}{said}"
        at = access(
            f"openai/{model}",
            options,
            url="https://api.openai.com/v1",
            address="OPENAI_BASE_URL",
            keys=("OPENAI_API_KEY",),
        )
        self._endpoint = at.endpoint
        self._sdk = sdk_of(self.name, "openai")
        self._client = stainless(self._sdk, "AsyncOpenAI", at.url, at.key, at.headers)
        self._rng = random.Random()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`."""
        size = self.options.batch
        parts = [await self._patient(texts[at : at + size]) for at in range(0, len(texts), size)]
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    async def _patient(self, texts: Sequence[str]) -> Vectors:
        """One request, in as many attempts as the policy allows."""
        clock = asyncio.get_running_loop().time
        retries = Retries(self.policy, self._rng)
        while True:
            began = clock()
            try:
                return await self._timed(texts)
            except ModelError as error:
                delay = retries.delay(error, clock() - began)
                if delay is None:
                    raise retries.final(self.name, error) from error
            await asyncio.sleep(delay)

    async def _timed(self, texts: Sequence[str]) -> Vectors:
        scope = asyncio.timeout(self.policy.timeout_seconds)
        try:
            async with scope:
                return await self._ask(texts)
        except TimeoutError:
            if not scope.expired():
                raise
            line = f"{self.name}: no answer in {self.policy.timeout_seconds:g} s"
            raise ModelError(line, kind="timeout", retryable=True) from None

    async def _ask(self, texts: Sequence[str]) -> Vectors:
        body: dict[str, Any] = {"model": self.model, "encoding_format": "float"}
        # The protocol takes no text that is empty.
        body["input"] = [text or " " for text in texts]
        if self.options.dimensions is not None:
            body["dimensions"] = self.options.dimensions
        with self._endpoint.asking(self._sdk):
            response = await self._client().embeddings.with_raw_response.create(
                **body, extra_body=self.options.extra_body
            )
        data = self._endpoint.parse(bytes(response.http_response.content))
        try:
            return _read(data, len(texts))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise self._endpoint.malformed(f"no {len(texts)} embeddings") from None


def _read(data: dict[str, Any], count: int) -> Vectors:
    """The vectors of a response, in the order of the texts."""
    rows = sorted(data["data"], key=lambda row: row["index"])
    if [row["index"] for row in rows] != list(range(count)):
        raise ValueError("other texts")
    vectors = np.asarray([row["embedding"] for row in rows], dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size or not np.isfinite(vectors).all():
        raise ValueError("no vectors")
    return unit(vectors)


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows `[N, D]` at length 1; those of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
