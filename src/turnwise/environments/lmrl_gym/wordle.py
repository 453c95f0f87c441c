"""LMRL-Gym's Wordle: six tries for a word of five letters, under the benchmark's own feedback rule.

A guess costs 1, the right one nothing, and one that is not in the list costs a try and 10 (as the official
training scripts set it; the official class alone says 1). The official game draws the hidden word anew
before every guess, from the words that are still possible: `hidden="resampled"`. By default the word is the
task's own, so that all episodes of a task look for the same one; what an agent can know is distributed
alike, because the words still possible are exactly those that would have got the same feedback.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple

from turnwise.action import Menu
from turnwise.environment import Capabilities
from turnwise.environments.lmrl_gym.players import Choose, Mixed, Player, skilled
from turnwise.environments.lmrl_gym.wordle_game import (
    LETTERS,
    TRIES,
    Left,
    Vocabulary,
    Words,
    digest,
    vocabulary,
)
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError
from turnwise.message import Message

START = "Wordle:\n"
_RIGHT = "g" * LETTERS
_PAPER = {"g": ("#f0fdf4", "#15803d"), "y": ("#fefce8", "#ca8a04"), "b": ("#f8fafc", "#64748b")}
_BLANK = Cell(" ", "#1f2937", "#e2e8f0")


def rules_of(words: Words, invalid_reward: float) -> str:
    """What a player must know."""
    return (
        f"Guess a hidden English word of {LETTERS} letters in {TRIES} tries. Reply with one word in small "
        f"letters and nothing else; it must be one of a list of {len(words)} words. You are then told a "
        "letter for each place: g, the letter is right; y, the word has the letter, but not here; b, the "
        "word has no such letter. Letters are not counted: one that the word has once is y wherever else you "
        "put it. Every guess costs 1 point, the right one nothing; one that is not in the list costs "
        f"{-invalid_reward:g}."
    )


class WordleWorld(World):
    """A hidden word, the guesses so far, and the words they leave possible.

    Args:
        words: What may be guessed and hidden.
        hidden: Number of the hidden word; None draws one anew before each guess.
        rng: For these draws.
        invalid_reward: For a guess that is none.
        rules: Whether to tell them.
    """

    def __init__(
        self, words: Words, hidden: int | None, rng: random.Random, invalid_reward: float, *, rules: bool
    ) -> None:
        self.words = words
        self.left = words.all
        self.tries: list[tuple[str, str]] = []
        """Each guess and what was told; nothing is, for an invalid one."""
        self._hidden = hidden
        self._rng = rng
        self._invalid_reward = invalid_reward
        self._rules = rules
        self._menu = words.menu
        self._says = f"{rules_of(words, invalid_reward)}\n\n{START}" if rules else START

    def observe(self) -> str:
        """The start, then what the last guess was told."""
        return self._says

    def actions(self) -> Menu:
        """All words of the list."""
        return self._menu

    def key(self) -> str:
        """Tries made and words left."""
        return f"{len(self.tries)} {digest(self.left)}"

    def step(self, reply: str) -> Step:
        """Guess; spaces between the letters are allowed, as in the benchmark's data."""
        guess = reply.strip().replace(" ", "")
        valid = guess in self.words.numbers
        told = self._told(guess) if valid else ""
        self.tries.append((guess, told))
        if told == _RIGHT:
            self.over, self.outcome = True, "found"
        elif len(self.tries) == TRIES:
            self.over, self.outcome = True, "not found"
        self._says = " ".join(told) + "\n"
        if not valid:
            if self._rules:
                self._says = f"Not in the list: reply with one word of {LETTERS} small letters.\n"
            return Step((Gain(self._invalid_reward),), valid=False)
        return Step((Gain(0.0 if told == _RIGHT else -1.0),))

    def closing(self) -> str:
        """What the last guess was told."""
        return self._says

    def metrics(self) -> dict[str, float]:
        """Whether the word was found, in how many tries."""
        return {"success": float(self.outcome == "found"), "tries": len(self.tries)}

    def picture(self) -> Board:
        """The guesses, coloured."""
        rows = [
            tuple(Cell(letter, *_PAPER[mark]) for letter, mark in zip(guess.upper(), told, strict=True))
            for guess, told in self.tries
            if told
        ]
        invalid = len(self.tries) - len(rows)
        rows += [(_BLANK,) * LETTERS] * (TRIES - len(self.tries))
        wasted = f", {invalid} wasted" if invalid else ""
        return Board(tuple(rows), caption=f"{len(self.left)} words possible{wasted}")

    def _told(self, guess: str) -> str:
        hidden = self._rng.choice(self.left) if self._hidden is None else self._hidden
        told = self.words.feedbacks(guess)[hidden]
        self.left = self.words.after(self.left, guess, told)
        return told


class Seen(NamedTuple):
    """What a player knows of its game."""

    words: Words
    left: Left
    guesses: tuple[str, ...]
    """Those that were told anything."""


class Wordle(WorldEnvironment, kw_only=True, frozen=True):
    """Find a word in six tries; the score counts the wrong ones down.

    A task's seed counts the words round: as many seeds in a row as there are words hide each once.
    """

    name: ClassVar[str] = "wordle"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    words: Vocabulary = "sample"
    """A list of our own, or the benchmark's 431 words."""
    hidden: Literal["fixed", "resampled"] = "fixed"
    """Whether the word is the task's, or drawn before every guess from those still possible."""
    invalid_reward: float = -10.0
    """For a guess that is not in the list."""
    rules: bool = True
    """Whether the first message tells the rules; without them, the published texts alone."""

    def __post_init__(self) -> None:
        if not -1e9 < self.invalid_reward <= 0:
            raise ConfigError(f"wordle: expected invalid_reward of 0 or below, got {self.invalid_reward}")

    @property
    def reward_range(self) -> tuple[float, float]:
        """From six bad tries to a first guess that is right."""
        return (TRIES * min(self.invalid_reward, -1.0), 0.0)

    @property
    def max_replies(self) -> int:
        """The tries."""
        return TRIES

    def world(self, task: WorldTask, rng: random.Random) -> WordleWorld:
        """A game for the task's word."""
        words = vocabulary(self.words)
        hidden = task.seed % len(words) if self.hidden == "fixed" else None
        return WordleWorld(words, hidden, rng, self.invalid_reward, rules=self.rules)

    def agents(self) -> dict[str, Any]:
        """`solver` guesses the possible word that tells most; `consistent` any possible word.

        `random` guesses any word, `skill25` to `skill75` any possible one in that percentage of guesses (the
        official `RandomMixturePolicy`), `wrong` none that is possible, `repeat` what it has guessed before.
        `mixed` is a data set of all of them but `wrong` and `repeat`, in equal parts.
        """

        def recall(task: WorldTask, messages: Sequence[Message]) -> Seen:
            return _seen(vocabulary(self.words), messages)

        choices: dict[str, Choose[Seen]] = {
            "solver": _telling,
            "consistent": _possible,
            **{f"skill{percent}": skilled(percent / 100, _possible, _any) for percent in (75, 50, 25)},
            "random": _any,
            "wrong": _wrong,
            "repeat": _repeat,
        }
        players = {name: Player(name, recall, choose) for name, choose in choices.items()}
        mixed = Mixed("mixed", [(1, players[name]) for name in list(players)[:6]])
        return {**players, "mixed": mixed}


def _seen(words: Words, messages: Sequence[Message]) -> Seen:
    """The guesses among the messages and what they leave possible."""
    left, guesses = words.all, ()
    for said, answer in pairwise(messages):
        if said.role != "assistant":
            continue
        guess, told = said.text.strip().replace(" ", ""), answer.text.replace(" ", "").strip()
        if guess in words.numbers and len(told) == LETTERS and set(told) <= set("gyb"):
            left, guesses = words.after(left, guess, told), (*guesses, guess)
    return Seen(words, left, guesses)


def _telling(seen: Seen, rng: random.Random) -> str:
    return seen.words.words[seen.words.best(seen.left)]


def _possible(seen: Seen, rng: random.Random) -> str:
    return seen.words.words[rng.choice(seen.left)]


def _any(seen: Seen, rng: random.Random) -> str:
    return rng.choice(seen.words.words)


def _wrong(seen: Seen, rng: random.Random) -> str:
    possible = set(seen.left)
    wrong = [word for number, word in enumerate(seen.words.words) if number not in possible]
    return rng.choice(wrong or seen.words.words)


def _repeat(seen: Seen, rng: random.Random) -> str:
    return rng.choice(seen.guesses or seen.words.words)
