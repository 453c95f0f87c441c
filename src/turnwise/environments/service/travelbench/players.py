"""Who plays without a model: agents, the user, and who stands in for tools.

`solver` makes the reference calls and says the answer, or that it cannot be done; `abstain` always says so;
`nothing` promises and does nothing; `random` calls tools as the dice fall.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from typing import Any

from turnwise.agents.users.marks import FINISH
from turnwise.agents.users.patience import repetitions
from turnwise.environments.parts.calls import calling
from turnwise.environments.parts.simulated import called
from turnwise.environments.service.travelbench import sample
from turnwise.environments.service.travelbench.rows import TravelTask
from turnwise.environments.service.travelbench.scoring import UNSOLVED, untold
from turnwise.environments.service.travelbench.tools import BY_NAME
from turnwise.errors import ToolError
from turnwise.message import Message

Player = Generator[str | Message | None, Message, None]
PREFERENCE = "Is there anything you would prefer?"
ANY = "I have no special preference."
GO_ON = "Go on, please."
STALE = 2
"""Turns in a row that bring nothing new, after which the user leaves."""
_GUESSES: tuple[dict[str, Any], ...] = (
    {"query": "restaurant"},
    {"query": "hotel", "region": "Arnsee"},
    {"query": "charging", "origin": "54.10,10.20", "destination": "54.32,10.61"},
    {"origin": "54.10,10.20", "destination": "54.32,10.61"},
    {"origin": "Arnsee", "destination": "Bredal", "date": "2026-05-05"},
    {"location": "Bredal", "date": "2026-05-06"},
    {"location": "Corvik"},
    {},
)


def solver(task: TravelTask, rng: random.Random) -> Player:
    """Who knows the answer: asks for preferences where there are some, looks things up, and says it."""
    yield
    if task.reason is not None:
        while True:
            yield UNSOLVED
    for _ in task.reveals:
        yield PREFERENCE
    for number, use in enumerate(task.calls):
        yield calling(use.name, use.arguments, number)
    while True:
        yield task.answer or "I could find nothing."


def abstain(messages: Sequence[Message]) -> str:
    """Who thinks that nothing can be done."""
    return UNSOLVED


def nothing(messages: Sequence[Message]) -> str:
    """Who promises, and does nothing."""
    return "I am looking into it."


def random_player(task: TravelTask, rng: random.Random) -> Player:
    """Who calls what comes to mind."""
    yield
    number = 0
    while True:
        draw = rng.random()
        number += 1
        if draw < 0.6:
            yield calling(rng.choice(list(BY_NAME)), rng.choice(_GUESSES), number)
        else:
            yield rng.choice((PREFERENCE, "Take the first one.", UNSOLVED, "Done."))


def user(task: TravelTask, rng: random.Random) -> Player:
    """A user who tells a preference when asked, and leaves with a plan, or when nothing new comes."""
    heard = yield
    left = list(task.reveals or (task.intent,))
    said: list[str] = []
    while True:
        said.append(heard.text)
        asked = "?" in heard.text or "\uff1f" in heard.text
        planned = not untold([heard.text], task.facts) if task.facts else bool(heard.text) and not asked
        if planned or repetitions(said) >= STALE:
            heard = yield FINISH
        elif asked:
            heard = yield left.pop(0) if left else ANY
        else:
            heard = yield GO_ON


def stand_in(messages: Sequence[Message]) -> str:
    """Answers for a tool from the country made here; nothing, where it knows nothing."""
    asked = called(messages[-1].text)
    if asked is None or asked.tool not in BY_NAME:
        return ""
    try:
        return sample.result(asked.tool, asked.arguments)
    except ToolError:
        return ""
