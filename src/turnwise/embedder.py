"""The protocol of embedding models: texts in, vectors out. Providers: `turnwise.models.embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
"""`[N, D]`: a row of length 1 for each of N texts, so that the product of two is their cosine."""


class Embedder(Protocol):
    """What makes vectors of texts."""

    @property
    def name(self) -> str:
        """What its vectors hang on: the model, and options that are not the usual ones."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of N texts, `[N, D]`, in their order.

        Raises:
            ModelError: they cannot be had.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
