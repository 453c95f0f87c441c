"""LMRL-Gym's Wordle as a game of sets: its feedback rule, its words, and what a feedback leaves possible.

The rule is not the newspaper's: letters are not counted. A letter in its place is `g`, any other one that
the word has anywhere is `y`, and one it does not have is `b`; so every second `e` of `eerie` is `y` where the
word has one `e` at all.
"""

from __future__ import annotations

import hashlib
import math
import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from turnwise import data
from turnwise.action import Menu
from turnwise.errors import ConfigError

LETTERS = 5
TRIES = 6
Left: TypeAlias = tuple[int, ...]
"""The words still possible, by number, ascending."""


def feedback(guess: str, word: str) -> str:
    """What is told of a guess: one of `g`, `y` and `b` for each place."""
    return "".join(
        "g" if letter == right else "y" if letter in word else "b"
        for letter, right in zip(guess, word, strict=True)
    )


class Words:
    """The words that may be guessed and hidden, in a fixed order, and what they tell of each other."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)
        self.numbers = {word: number for number, word in enumerate(self.words)}
        self.all: Left = tuple(range(len(self.words)))
        self.menu = Menu.of(self.words)
        self._rows: dict[str, tuple[str, ...]] = {}
        self._best: dict[Left, int] = {}

    def __len__(self) -> int:
        return len(self.words)

    def feedbacks(self, guess: str) -> tuple[str, ...]:
        """What a guess would be told for each word, in their order."""
        row = self._rows.get(guess)
        if row is None:
            row = tuple(sys.intern(feedback(guess, word)) for word in self.words)
            self._rows[guess] = row
        return row

    def after(self, left: Left, guess: str, told: str) -> Left:
        """Those of `left` for which `guess` would be told just that."""
        row = self.feedbacks(guess)
        return tuple(number for number in left if row[number] == told)

    def best(self, left: Left) -> int:
        """The possible word that tells most when guessed now; the first of several.

        What a guess tells is the expected fall of the logarithm of how many words are left: the official
        `OptimalPolicy`, which guesses only words that may be right.
        """
        found = self._best.get(left)
        if found is None:
            found = min(left, key=lambda number: self._remaining(left, self.words[number]))
            self._best[left] = found
        return found

    def _remaining(self, left: Left, guess: str) -> float:
        """Sum over the possible words of the logarithm of how many would be left."""
        row = self.feedbacks(guess)
        sizes = Counter([row[number] for number in left]).values()
        # In one order, so that guesses that tell equally much get equal sums.
        return sum(size * math.log(size) for size in sorted(sizes))


def digest(left: Left) -> str:
    """Twelve characters for a set of words."""
    return hashlib.blake2b(array("I", left).tobytes(), digest_size=6).hexdigest()


Vocabulary: TypeAlias = Literal["sample", "official"]


@lru_cache
def vocabulary(name: Vocabulary) -> Words:
    """Our own 153 words, or the benchmark's 431 (MIT, github.com/abdulhaim/LMRL-Gym).

    Raises:
        ConfigError: where the benchmark's file is not there, or is none of words.
    """
    if name == "sample":
        return read(Path(__file__).with_name("words.txt"))
    return read(data.path("lmrl_gym/wordle_official_400.txt"))


def read(path: Path) -> Words:
    """The words of a file, one a line; others than of five small letters are passed over."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    words = [
        word
        for word in lines
        if len(word) == LETTERS and word.isascii() and word.islower() and word.isalpha()
    ]
    if not words:
        raise ConfigError(f"{path}: expected words of five small letters, one a line")
    return Words(list(dict.fromkeys(words)))
