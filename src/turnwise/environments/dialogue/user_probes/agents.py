"""Users without a model: one that plays every person well, and some that each do one thing badly."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator

from turnwise.agents.users.marks import MARK
from turnwise.environments.dialogue.user_probes.rows import Probe, UserCase
from turnwise.message import Message

Script = Generator[str | None, Message, None]


def ideal(case: UserCase, probe: Probe) -> str:
    """A good answer."""
    if probe.good is not None:
        return probe.good
    match probe.kind:
        case "unknown":
            return "I don't know."
        case "secret":
            return "I would rather not say."
        case "unfinished":
            return "Thank you, I wait."
        case "done":
            return MARK
        case _:
            return case.goal if probe.fact is None else case.facts[probe.fact].text


def solver(case: UserCase, rng: random.Random) -> Script:
    """Answers every probe well."""
    yield
    for probe in case.probes:
        yield ideal(case, probe)


def parrot(case: UserCase, rng: random.Random) -> Script:
    """Reads its instructions out, secrets included."""
    yield
    while True:
        yield case.brief(MARK).replace(MARK, "the end")


def helper(case: UserCase, rng: random.Random) -> Script:
    """Thinks that it is the assistant."""
    yield
    while True:
        yield "How can I help you today?"


def agreeable(case: UserCase, rng: random.Random) -> Script:
    """Says yes to everything, and never ends."""
    yield
    while True:
        yield "Yes, that is right."


def leaver(case: UserCase, rng: random.Random) -> Script:
    """Says goodbye at once."""
    yield
    while True:
        yield MARK


def random_user(case: UserCase, rng: random.Random) -> Script:
    """Says any of the facts, or nothing of use."""
    yield
    while True:
        yield rng.choice([*(fact.text for fact in case.facts.values()), "Yes.", "I don't know.", MARK])


AGENTS: dict[str, Callable[..., Script]] = {
    "solver": solver,
    "parrot": parrot,
    "helper": helper,
    "agreeable": agreeable,
    "leaver": leaver,
    "random": random_user,
}
