"""The texts most like a text, by the words they share: cosine of word counts, with no model."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from math import sqrt

_WORD = re.compile(r"[a-z0-9]+(?:\.\d+)?|[^\W_]")
"""A word or number; of scripts that are written without spaces, each sign."""


class Similar:
    """An index of texts.

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


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.casefold()))


def _norm(words: Counter[str]) -> float:
    return sqrt(sum(count * count for count in words.values()))
