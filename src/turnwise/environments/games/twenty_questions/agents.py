"""Agents that play without a model: one splits the table in halves, one asks at random."""

from __future__ import annotations

import random
from collections.abc import Generator

from turnwise.environments.games.twenty_questions.table import Thing, table
from turnwise.message import Message
from turnwise.task import Task

Script = Generator[str | None, Message, None]


def a_guess(thing: Thing) -> str:
    """The question that guesses an object."""
    return f"Is it a {thing.name}?"


def solver(task: Task, rng: random.Random) -> Script:
    """Asks for the attribute that best halves the objects left; guesses when two or fewer are."""
    left = list(table().things.values())
    yield
    while True:
        if len(left) <= 2:
            yield a_guess(left.pop(0))
            left = left or list(table().things.values())  # only a model oracle contradicts the table
            continue
        names = list(table().attributes)
        best = min(names, key=lambda name: abs(2 * _count(name, left) - len(left)))
        heard = yield table().attributes[best].ask
        said = heard.text.startswith("Yes")
        left = [thing for thing in left if (best in thing.attributes) == said] or left


def random_agent(task: Task, rng: random.Random) -> Script:
    """Asks for an attribute or guesses an object, as a coin falls."""
    yield
    while True:
        if rng.random() < 0.5:
            yield rng.choice(list(table().attributes.values())).ask
        else:
            yield a_guess(rng.choice(list(table().things.values())))


def _count(attribute: str, things: list[Thing]) -> int:
    return sum(attribute in thing.attributes for thing in things)
