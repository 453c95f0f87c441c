"""Agents that need no model: they show what the grading measures.

`solver` makes the reference calls and says what has to be said; `nothing` does nothing at all, which is right
in some tasks; `random` calls tools with what it has read, and talks.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator

from turnwise.environments.parts.calls import calling
from turnwise.environments.service.tau_bench.conversation import TRANSFER
from turnwise.environments.service.tau_bench.rows import Domain, TauTask
from turnwise.message import Message

Player = Generator[str | Message | None, Message, None]
_WORD = re.compile(r"#?[\w@.+-]{4,}")
_READS: dict[Domain, tuple[tuple[str, str], ...]] = {
    "retail": (
        ("get_user_details", "user_id"),
        ("get_order_details", "order_id"),
        ("get_product_details", "product_id"),
    ),
    "airline": (("get_user_details", "user_id"), ("get_reservation_details", "reservation_id")),
}
_WRITES: dict[Domain, tuple[str, dict[str, str]]] = {
    "retail": ("cancel_pending_order", {"order_id": "", "reason": "no longer needed"}),
    "airline": ("cancel_reservation", {"reservation_id": ""}),
}


def solver(task: TauTask, rng: random.Random) -> Player:
    """Makes the reference calls, but is never the one to hand over; then says the outputs."""
    yield
    for number, action in enumerate(task.actions):
        if action.name != TRANSFER:
            yield calling(action.name, action.arguments, number)
    yield "\n".join(["It is done.", *task.outputs])
    while True:
        yield "That is all."


def nothing(task: TauTask, rng: random.Random) -> Player:
    """Regrets."""
    yield
    while True:
        yield "I am sorry, I cannot help you with that."


def random_player(domain: Domain) -> Callable[[TauTask, random.Random], Player]:
    """An agent that looks things up, cancels things and talks, as the dice fall."""
    key, arguments = _WRITES[domain]
    ((blank, _), *_) = arguments.items()

    def play(task: TauTask, rng: random.Random) -> Player:
        heard = yield
        words: list[str] = []
        number = 0
        while True:
            words = (words + _WORD.findall(heard.text))[-100:]
            draw = rng.random()
            if draw < 0.4 or not words:
                heard = yield rng.choice(("One moment.", "What is it about?", "Shall I go ahead?"))
                continue
            word = rng.choice(words).rstrip(".")
            number += 1
            if draw < 0.8:
                name, field = rng.choice(_READS[domain])
                heard = yield calling(name, {field: word}, number)
            else:
                heard = yield calling(key, {**arguments, blank: word}, number)

    return play
