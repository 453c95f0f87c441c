"""The texts most like a text: by the words they share, by chance, or by the cosine of embeddings.

`Texts` are what can be found, with the indices of it, which are made once, when they are first asked for. How
to look is a function (`Find`); `by_words` needs no model, `by_embedding` any `Embedder`, such as those of
`turnwise.models.embeddings`.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import TypeAlias
from weakref import WeakKeyDictionary

import numpy as np

from turnwise.embedder import Embedder, Vectors
from turnwise.episode import Episode
from turnwise.tools.vectors import kept

_WORD = re.compile(r"[a-z0-9]+(?:\.\d+)?|[^\W_]")
"""A word or number; of scripts that are written without spaces, each sign."""


class Similar:
    """An index of texts by their words: cosine of word counts, with no model.

    Args:
        texts: What can be found.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """By word: in which text it stands, and how often."""
        self._norms: list[float] = []
        for place, text in enumerate(texts):
            words = _words(text)
            self._norms.append(_norm(words))
            for word, count in words.items():
                self._places[word].append((place, count))

    def nearest(self, text: str, count: int) -> list[int]:
        """Places of the `count` texts most like `text`, the most alike first; ties in their own order."""
        likeness: dict[int, float] = defaultdict(float)
        for word, times in _words(text).items():
            for place, there in self._places.get(word, ()):
                likeness[place] += times * there / self._norms[place]
        found = sorted(likeness, key=lambda place: (-likeness[place], place))[:count]
        if len(found) < count:
            # What shares no word comes last.
            left = (place for place in range(self._size) if place not in likeness)
            found += [place for place, _ in zip(left, range(count - len(found)), strict=False)]
        return found


class Texts:
    """What can be found.

    Args:
        texts: In an order that stays.
        folder: Where embeddings of them are kept; by default nowhere but here.
        name: What their files are called.
    """

    def __init__(self, texts: Sequence[str], folder: Path | None = None, name: str = "texts") -> None:
        self.texts = tuple(texts)
        self._folder = folder
        self._name = name
        self._vectors: dict[str, Vectors] = {}
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    @cached_property
    def words(self) -> Similar:
        """The index by words."""
        return Similar(self.texts)

    async def vectors(self, embedder: Embedder) -> Vectors:
        """Their embeddings, which are made once, however many episodes ask.

        Raises:
            ModelError: they cannot be had.
        """
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            if embedder.name not in self._vectors:
                self._vectors[embedder.name] = await kept(embedder, self.texts, self._folder, self._name)
            return self._vectors[embedder.name]


Find: TypeAlias = Callable[[Texts, str, int, Episode], Awaitable[list[int]]]
"""Places of so many of the texts most like one, the most alike first; within an episode."""


async def by_words(texts: Texts, text: str, count: int, episode: Episode) -> list[int]:
    """By the words they share."""
    return texts.words.nearest(text, count)


async def by_chance(texts: Texts, text: str, count: int, episode: Episode) -> list[int]:
    """Any of them."""
    return episode.rng.sample(range(len(texts.texts)), min(count, len(texts.texts)))


def by_embedding(embedder: Callable[[], Embedder]) -> Find:
    """By the cosine of embeddings; what was found is an effect of the episode, so a replay embeds nothing.

    Args:
        embedder: Makes one, when an episode first needs it; it is closed with the episode.
    """
    made: list[Embedder] = []

    async def find(texts: Texts, text: str, count: int, episode: Episode) -> list[int]:
        if not texts.texts or not count:
            return []

        async def ask() -> list[int]:
            if not made:
                made.append(embedder())
                episode.at_end(made[0].close)
            known = await texts.vectors(made[0])
            (vector,) = await made[0].embed([text])
            return nearest(known, vector, count)

        return await episode.effect("similar", ask)

    return find


def nearest(known: Vectors, vector: Vectors, count: int) -> list[int]:
    """Places of the `count` rows of `known` `[N, D]` with the largest cosine; ties in their own order.

    Args:
        known: Rows of length 1.
        vector: One more, `[D]`.
        count: How many.
    """
    return np.argsort(-(known @ vector), kind="stable")[:count].tolist()


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _norm(words: Counter[str]) -> float:
    return sqrt(sum(count * count for count in words.values()))
