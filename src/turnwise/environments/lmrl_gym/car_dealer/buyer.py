"""A buyer without a model: an agenda of wishes (`agents/users/agenda.py`), and rules of bargaining over it.

It tells what it wants bit by bit and asks for the price. Once a price was named it bargains: it accepts what
is at most its limit and the list price, else makes a counter-offer; when its patience is over, it leaves.
The limit is its budget, more or less by temper, less for every wish nobody promised, and a little more after
each counter-offer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator

from turnwise.agents.users.agenda import Agenda, Constraint, Goal, Wanted
from turnwise.environments.lmrl_gym.car_dealer.deal import FORCED, CarDealerTask
from turnwise.message import Message

KIND, RUDE = ("polite", "respectful", "talkative"), ("abusive", "angry", "insulting", "rude", "toxic")
CONCESSIONS = 3
"""Counter-offers after each of which the limit rises by one percent of the budget."""
_PRICE = re.compile(r"\$ ?([0-9][0-9,]{0,11})(?:\.[0-9]+)?( ?k\b)?", re.ASCII | re.IGNORECASE)
_LIST = re.compile(r"(msrp|list price|sticker)[^$.!?]{0,40}$", re.IGNORECASE)
_REACH = len("list price") + 40
"""Characters before a price in which `_LIST` can be."""
_TEMPER = {
    "abusive": "Don't waste my time.",
    "angry": "I am losing my patience.",
    "insulting": "They let anybody sell cars these days.",
    "polite": "Thank you for your help.",
    "respectful": "I appreciate it.",
    "rude": "Get on with it.",
    "sarcastic": "How very generous of you.",
    "talkative": "You know, my neighbour bought one last year and talks of nothing else.",
    "toxic": "You people are all the same.",
    "uncommunicative": "",
}


class Buyer:
    """One buyer in one conversation."""

    def __init__(self, task: CarDealerTask, rng: random.Random) -> None:
        self.task = task
        self.rng = rng
        self.msrp: int | None = None
        self.offer: int | None = None
        self.counters = 0
        self._heard = ""
        self._replies = 0
        self._agenda = Agenda(
            _goal(task), rng, most=1 if task.personality == "uncommunicative" else 2, patience=99
        )

    def says(self, text: str) -> str:
        """The answer to what the seller said."""
        if text.strip() == FORCED:
            return self._decide()
        self._replies += 1
        self._heard += "\n" + text.lower()
        self._read_prices(text)
        if self.offer is not None and self.offer <= self.limit() and self.offer <= (self.msrp or 0):
            return f"All right, I'll take it for ${self.offer:,}. {self._decide()}"
        if self._replies >= patience(self.task):
            return f"No, I'll look elsewhere. {self._decide()}"
        if self.offer is None:
            wish = self._agenda.first() if self._replies == 1 else self._agenda.next(text)
            return self._tempered(wish)
        return self._tempered(self._counter())

    def limit(self) -> int:
        """The most this buyer pays now, by what it has heard of the car."""
        task = self.task
        wanted = (_brand(task), task.type.lower(), *(feature.lower() for feature in task.features))
        promised = tuple(wish in self._heard for wish in wanted)
        return limit(task, promised, self.counters)

    def _decide(self) -> str:
        # Where no price was ever named, the car is as dear as the buyer's purse.
        msrp = self.msrp or self.task.budget
        if self.offer is not None and self.offer <= self.limit() and self.offer <= msrp:
            return f"{FORCED}Accept MSRP=${msrp:,} Buy Price=${self.offer:,}"
        return f"{FORCED}Reject MSRP=${msrp:,}"

    def _counter(self) -> str:
        assert self.offer is not None
        share = min(0.85 + 0.05 * self.counters, 1.0)
        counter = min(int(self.limit() * share), self.offer)
        self.counters += 1
        if self.offer > (self.msrp or 0):
            return f"That is more than the list price! I offer ${counter:,}."
        return f"${self.offer:,} is too much for me. Would you take ${counter:,}?"

    def _read_prices(self, text: str) -> None:
        offers: list[int] = []
        for found in _PRICE.finditer(text):
            price = int(found[1].replace(",", "") or 0) * (1000 if found[2] else 1)
            if not 0 < price < 10**9:
                continue
            if _LIST.search(text[max(0, found.start() - _REACH) : found.start()]):
                self.msrp = price
            else:
                offers.append(price)
        if offers:
            self.offer = offers[-1]
            self.msrp = self.msrp or offers[0]
        elif self.msrp is not None and self.offer is None:
            self.offer = self.msrp

    def _tempered(self, text: str) -> str:
        temper = _TEMPER.get(self.task.personality, "")
        return f"{temper} {text}" if temper and self.rng.random() < 0.5 else text


def limit(task: CarDealerTask, promised: tuple[bool, ...], counters: int) -> int:
    """The most a buyer pays, in dollars.

    Args:
        task: The buyer.
        promised: Whether the brand, the type and each feature were promised, in this order.
        counters: Counter-offers it has made.
    """
    brand, kind, *features = promised
    temper = 5 if task.personality in KIND else -5 if task.personality in RUDE else 0
    missing = 10 * (not brand) + 10 * (not kind) + 20 * features.count(False) // max(1, len(features))
    percent = 100 + temper - missing + min(counters, CONCESSIONS)
    return task.budget * percent // 100


def patience(task: CarDealerTask) -> int:
    """Replies after which a buyer leaves."""
    return 12 if task.personality in KIND else 8 if task.personality in RUDE else 10


def agenda(task: CarDealerTask, rng: random.Random) -> Generator[str | None, Message, None]:
    """The buyer as an agent."""
    buyer = Buyer(task, rng)
    heard = yield
    while True:
        heard = yield buyer.says(heard.text)


def _brand(task: CarDealerTask) -> str:
    return task.brand.partition(" ")[2].lower() or task.brand.lower()


def _goal(task: CarDealerTask) -> Goal:
    features = " and ".join(task.features)
    return Goal(
        opening="Hello.",
        constraints=(
            Constraint(
                slot="brand", value=task.brand, says=("I am looking for {value}.", "It should be {value}.")
            ),
            Constraint(slot="type", value=task.type, says=("I want {value}.", "The kind I like is {value}.")),
            Constraint(slot="features", value=features, says=("It should have {value}.", "I want {value}.")),
        ),
        requests=(Wanted(slot="price", says=("What does it cost?", "How much is it?"), told=r"\$ ?[0-9]"),),
    )
