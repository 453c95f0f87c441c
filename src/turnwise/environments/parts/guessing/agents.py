"""Askers that need no model: one splits the table in halves, one asks at random, and all grades between."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from functools import cache
from typing import Any

from turnwise.environments.parts.guessing.table import Table, Thing
from turnwise.message import Message

Script = Generator[str | None, Message, None]

SKILLS: Mapping[str, float] = {"skill75": 0.75, "skill50": 0.5, "skill25": 0.25}
"""How often players of graded skill ask the best question."""


def askers(
    table: Callable[[], Table], guess: Callable[[Thing], str]
) -> dict[str, Callable[[Any, random.Random], Script]]:
    """The agents of a guessing game: `solver`, `random`, those of `SKILLS`, and `mixed`, one of these."""
    graded = {name: asker(table, guess, skill) for name, skill in {"solver": 1.0, **SKILLS}.items()}

    def random_agent(task: Any, rng: random.Random) -> Script:
        yield
        while True:
            yield _anything(table(), guess, rng)

    def mixed(task: Any, rng: random.Random) -> Script:
        return (yield from rng.choice([*graded.values(), random_agent])(task, rng))

    return {**graded, "random": random_agent, "mixed": mixed}


def asker(
    table: Callable[[], Table], guess: Callable[[Thing], str], skill: float
) -> Callable[[Any, random.Random], Script]:
    """An asker who, with probability `skill` a question, asks what best halves the things that are left.

    It guesses when two or fewer are left. Without skill it asks anything, and hears the answer all the same.
    """

    def script(task: Any, rng: random.Random) -> Script:
        known = _halves(table)
        left = known.everything
        yield
        while True:
            skilled = rng.random() < skill
            if skilled and left.bit_count() <= 2:
                yield guess(known.first(left))
                left = left & (left - 1) or known.everything  # only a model oracle contradicts the table
                continue
            asked = known.best(left) if skilled else rng.choice(known.names)
            heard = yield table().attributes[asked].ask
            left = known.after(left, asked, heard.text.startswith("Yes"))

    return script


class Halves:
    """What is left after which answers, and what to ask then; sets of things are bits of a number."""

    def __init__(self, table: Table) -> None:
        self.names = tuple(table.attributes)
        self._things = tuple(table.things.values())
        self.everything = (1 << len(self._things)) - 1
        self._true = {
            name: sum(1 << n for n, thing in enumerate(self._things) if name in thing.attributes)
            for name in self.names
        }
        self._best: dict[int, str] = {}

    def first(self, left: int) -> Thing:
        """The first thing of `left`."""
        return self._things[(left & -left).bit_length() - 1]

    def best(self, left: int) -> str:
        """The attribute that is true of nearest to half of `left`."""
        found = self._best.get(left)
        if found is None:
            count = left.bit_count()
            found = min(self.names, key=lambda name: abs(2 * (left & self._true[name]).bit_count() - count))
            self._best[left] = found
        return found

    def after(self, left: int, asked: str, said: bool) -> int:
        """What of `left` agrees with an answer; all of it where nothing does."""
        true = self._true[asked]
        return left & (true if said else ~true) or left


@cache
def _halves(table: Callable[[], Table]) -> Halves:
    """One for all games with a table."""
    return Halves(table())


def _anything(table: Table, guess: Callable[[Thing], str], rng: random.Random) -> str:
    """Asks for an attribute or guesses a thing, as a coin falls."""
    if rng.random() < 0.5:
        return rng.choice(list(table.attributes.values())).ask
    return guess(rng.choice(list(table.things.values())))
