"""Entries made by seed: a help desk over `TicketAPI` and `MathAPI`, as many as are wanted.

An entry has three or four requests. Some are about tickets that stand in the queue, some about sums, and some
need what an earlier request gave: "close the ticket you just opened", "with that priority". Whoever opens a
ticket first says who they are.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from turnwise.environments.parts.asks import Ask
from turnwise.environments.service.bfcl.entries import Entry, functions_of
from turnwise.environments.service.bfcl.rows import BfclTask, Category

_PEOPLE = ("mira", "anton", "lucia", "bengt", "yara", "pavel", "noor", "tomas", "elif", "greta")
_PASSWORDS = ("tide", "quartz", "maple", "anchor", "velvet", "comet", "saffron", "pebble")
_TITLES = (
    "Printer", "Outage", "Scanner", "Badge", "Mailbox", "Projector", "Lift", "Heating",
    "Keyboard", "Calendar", "Backup", "Invoice", "Parking", "Window", "Telephone", "Coffee",
)  # fmt: skip
_CURES = ("New toner", "Cable replaced", "Restarted", "Part ordered", "Access granted", "Not found again")
_TWO = {"plus": "add", "minus": "subtract", "times": "multiply"}
_MANY = {"mean": "mean", "sum": "sum_values", "least": "min_value", "greatest": "max_value"}
_QUEUED = 3
"""Tickets that stand in the queue at first."""


class _Request(NamedTuple):
    says: str
    calls: tuple[str, ...]
    vague: str
    """The request without a parameter."""
    supplies: str
    """What supplies it."""


class _Desk:
    """What the requests so far have come to."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.user: str | None = None
        first = rng.randint(2, 90)
        self.next = first + _QUEUED
        self.untouched = list(range(first, self.next))
        rng.shuffle(self.untouched)
        self.queue = [
            {
                "id": number,
                "title": rng.choice(_TITLES),
                "description": "",
                "status": "Open",
                "priority": rng.randint(1, 5),
                "created_by": rng.choice(_PEOPLE),
            }
            for number in range(first, self.next)
        ]

    def opening(self, says: str, call: str, vague: str, supplies: str) -> _Request:
        """A request that opens a ticket, by somebody who has said who they are."""
        self.next += 1
        if self.user is not None:
            return _Request(says, (call,), vague, supplies)
        self.user, password = self.rng.choice(_PEOPLE), self.rng.choice(_PASSWORDS)
        hello = f"I am '{self.user}', password '{password}'. "
        login = f"ticket_login(username={self.user!r}, password={password!r})"
        return _Request(hello + says, (login, call), hello + vague, supplies)

    def about(self, ticket: int, called: str) -> _Request:
        """A request about a ticket.

        Args:
            ticket: Its number.
            called: What the user calls it.
        """
        rng, of = self.rng, f"ticket_id={ticket}"
        it = f"{called[0].upper()}{called[1:]}."
        kind = rng.choice(("show", "close", "resolve", "edit"))
        if kind == "show":
            return _Request(f"Show me {called}.", (f"get_ticket({of})",), "Show me a ticket.", it)
        if kind == "close":
            return _Request(f"Close {called}.", (f"close_ticket({of})",), "Close a ticket.", it)
        if kind == "resolve":
            cure = rng.choice(_CURES)
            call = f"resolve_ticket({of}, resolution={cure!r})"
            return _Request(f"Resolve {called}: '{cure}'.", (call,), f"Resolve {called}.", f"Write '{cure}'.")
        level = rng.randint(1, 5)
        call = f"edit_ticket({of}, updates={{'priority': {level}}})"
        return _Request(f"Give {called} priority {level}.", (call,), f"Give a ticket priority {level}.", it)


def _queued(desk: _Desk) -> list[_Request]:
    number = desk.untouched.pop()
    return [desk.about(number, f"ticket {number}")]


def _two(desk: _Desk) -> list[_Request]:
    word = desk.rng.choice(list(_TWO))
    a, b = desk.rng.randint(2, 99), desk.rng.randint(2, 99)
    call = f"{_TWO[word]}(a={a}, b={b})"
    return [_Request(f"What is {a} {word} {b}?", (call,), f"What is {a} {word} a number?", f"{b}.")]


def _many(desk: _Desk) -> list[_Request]:
    word = desk.rng.choice(list(_MANY))
    numbers = [desk.rng.randint(2, 99) for _ in range(desk.rng.choice((2, 3)))]
    listed = ", ".join(map(str, numbers))
    call = f"{_MANY[word]}(numbers={numbers})"
    return [_Request(f"What is the {word} of {listed}?", (call,), f"What is the {word}?", f"Of {listed}.")]


def _opened(desk: _Desk) -> list[_Request]:
    """A ticket, and what becomes of it."""
    title, level, number = desk.rng.choice(_TITLES), desk.rng.randint(1, 5), desk.next
    opening = desk.opening(
        f"Open a ticket '{title}', priority {level}.",
        f"create_ticket(title={title!r}, priority={level})",
        f"Open a ticket, priority {level}.",
        f"Call it '{title}'.",
    )
    return [opening, desk.about(number, "the ticket you just opened")]


def _weighed(desk: _Desk) -> list[_Request]:
    """A ticket whose priority is the result of a sum."""
    title, level, b = desk.rng.choice(_TITLES), desk.rng.randint(1, 5), desk.rng.randint(2, 90)
    call = f"subtract(a={level + b}, b={b})"
    difference = _Request(
        f"What is {level + b} minus {b}?", (call,), f"What is {level + b} minus a number?", f"{b}."
    )
    opening = desk.opening(
        f"Open a ticket '{title}' with that priority.",
        f"create_ticket(title={title!r}, priority={level})",
        "Open a ticket with that priority.",
        f"Call it '{title}'.",
    )
    return [difference, opening]


_KINDS: dict[Callable[[_Desk], list[_Request]], int] = {
    _queued: 1,
    _two: 1,
    _many: 1,
    _opened: 2,
    _weighed: 2,
}
"""How many requests each makes."""


@lru_cache(maxsize=8)
def tasks(category: Category, split: str, count: int) -> tuple[BfclTask, ...]:
    """The first `count` entries of a split in a category.

    Args:
        category: Which rule makes it harder.
        split: Seeds them.
        count: How many.
    """
    return tuple(entry(split, number).task(category) for number in range(count))


def entry(split: str, number: int) -> Entry:
    """One entry of a split.

    Args:
        split: Seeds it.
        number: Which, from 0.
    """
    rng = random.Random(f"bfcl {split} {number}")
    desk = _Desk(rng)
    config: dict[str, dict[str, Any]] = {
        "TicketAPI": {"ticket_queue": desk.queue, "ticket_counter": desk.next},
        "MathAPI": {},
    }
    length = rng.choice((3, 4))
    requests: list[_Request] = []
    for kind in rng.sample([*_KINDS, _queued], len(_KINDS) + 1):
        if len(requests) + _KINDS[kind] <= length:
            requests += kind(desk)
    asks = tuple(Ask(says=request.says, calls=request.calls) for request in requests)
    vague = rng.randrange(len(asks))
    return Entry(
        f"{split}-{number}",
        config,
        asks,
        held=rng.choice(_new(asks)),
        left=(vague, requests[vague].vague, requests[vague].supplies),
    )


def _new(asks: tuple[Ask, ...]) -> list[tuple[int, tuple[str, ...]]]:
    """Requests that end in a function which none before needs, each with that function."""
    last = [(at, functions_of((ask,))[-1]) for at, ask in enumerate(asks)]
    return [(at, (name,)) for at, name in last if name not in functions_of(asks[:at])]
