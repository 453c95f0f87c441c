"""Askers that need no model: one splits the table in halves, one asks at random, and all grades between."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
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
        everything = list(table().things.values())
        left = everything
        yield
        while True:
            skilled = rng.random() < skill
            if skilled and len(left) <= 2:
                yield guess(left[0])
                left = left[1:] or everything  # only a model oracle contradicts the table
                continue
            asked = _halving(table(), left) if skilled else rng.choice(list(table().attributes))
            heard = yield table().attributes[asked].ask
            said = heard.text.startswith("Yes")
            left = [thing for thing in left if (asked in thing.attributes) == said] or left

    return script


def _halving(table: Table, left: list[Thing]) -> str:
    """The attribute that is true of nearest to half of `left`."""
    return min(
        table.attributes,
        key=lambda name: abs(2 * sum(name in thing.attributes for thing in left) - len(left)),
    )


def _anything(table: Table, guess: Callable[[Thing], str], rng: random.Random) -> str:
    """Asks for an attribute or guesses a thing, as a coin falls."""
    if rng.random() < 0.5:
        return rng.choice(list(table.attributes.values())).ask
    return guess(rng.choice(list(table.things.values())))
