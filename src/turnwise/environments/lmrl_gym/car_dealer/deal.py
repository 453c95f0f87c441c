"""Buyers, decisions and rewards: the published lists, the line a buyer decides by, what a deal is worth."""

from __future__ import annotations

import random
import re
from typing import Literal, NamedTuple

from turnwise.errors import TaskError
from turnwise.task import Task

PERSONALITIES = (
    *("abusive", "angry", "insulting", "polite", "respectful"),
    *("rude", "sarcastic", "talkative", "toxic", "uncommunicative"),
)
BRANDS = (
    *("a Volkswagen", "a Lexus", "a Ford", "a Mazda", "a Hyundai", "a Toyota", "a Mercedes-Benz"),
    *("a BMW", "an Audi", "a Subaru", "a Honda", "a Porsche", "a Tesla"),
)
TYPES = ("luxury", "sedan", "convertible", "truck", "electric", "SUV")
FEATURES = (
    *("backup camera", "navigation system", "heated seats", "leather seats"),
    *("third-row seating", "blind spot monitoring", "sunroof", "Apple CarPlay"),
)
BUDGETS = (10_000, 30_000, 50_000, 70_000, 90_000)

FORCED = "Output: Decision="
"""How a buyer's last word is begun for it."""
DIGITS = 9
"""A decision with a number of more digits than this is none."""
_OUTPUT = re.compile(
    r"Output: Decision=(Accept|Reject) MSRP=\$([1-9][0-9,]*)( Buy Price=\$([0-9][0-9,]*))?", re.ASCII
)

Mode = Literal["fancy", "revenue"]


class CarDealerTask(Task, frozen=True, kw_only=True):
    """A buyer.

    Raises:
        TaskError: for a budget out of the published range.
    """

    personality: str
    brand: str
    """With its article: `a Ford`."""
    type: str
    features: tuple[str, ...]
    budget: int

    def __post_init__(self) -> None:
        if not BUDGETS[0] <= self.budget <= BUDGETS[-1]:
            raise TaskError(
                f"car_dealer task {self.id!r}: field 'budget': expected {BUDGETS[0]} to {BUDGETS[-1]}, "
                f"got {self.budget}"
            )

    @property
    def wishes(self) -> str:
        """What the buyer is told of itself, in the published form."""
        return (
            f"Personality: {self.personality}. Prefers {self.brand} {self.type} with "
            f"{', '.join(self.features)}. Budget: ${self.budget:,}"
        )


def buyer(identity: str, seed: int) -> CarDealerTask:
    """The buyer that the published environment draws for a seed."""
    rng = random.Random(seed)
    return CarDealerTask(
        id=identity,
        personality=rng.choice(PERSONALITIES),
        brand=rng.choice(BRANDS),
        type=rng.choice(TYPES),
        features=tuple(rng.sample(FEATURES, k=rng.randint(1, 4))),
        budget=rng.choice(BUDGETS),
    )


class Decision(NamedTuple):
    """How a buyer ended the conversation; prices in dollars."""

    bought: bool
    msrp: int
    price: int | None
    """What is paid; None where nothing was bought, or nothing said."""


def decision(text: str) -> tuple[Decision | None, str]:
    """A buyer's decision, if its text has one, and the text without it."""
    found = _OUTPUT.search(text)
    if found is None:
        return None, text
    bought, msrp, price = found[1] == "Accept", _dollars(found[2]), _dollars(found[4] or "")
    if len(msrp) > DIGITS or len(price) > DIGITS:
        return None, text
    paid = int(price) if bought and price else None
    return Decision(bought, int(msrp), paid), text[: found.start()] + text[found.end() :]


def worth(budget: int, made: Decision, mode: Mode) -> float:
    """The published reward of the seller.

    `fancy`: the price over the mean of budget and list price; for no sale, what the list price stayed below
    the budget, as a negative part of the list price; nothing where a list price is 0, as in some published
    rows. `revenue`: thousands of dollars.
    """
    if mode == "revenue":
        return (made.price or 0) / 1000
    if made.msrp == 0:
        return 0.0
    if not made.bought:
        return -(budget - made.msrp) / made.msrp
    return 0.0 if made.price is None else made.price / (0.5 * (budget + made.msrp))


def bounds(mode: Mode) -> tuple[float, float]:
    """Least and greatest reward there can be."""
    most = 10**DIGITS - 1
    if mode == "revenue":
        return (0.0, most / 1000)
    return (-float(BUDGETS[-1] - 1), most / (0.5 * (BUDGETS[0] + 1)))


def _dollars(text: str) -> str:
    return text.replace(",", "")
