"""Sellers without a model, for data of graded skill: the best one knows the buyer's mind."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator

from turnwise.environments.lmrl_gym.car_dealer.buyer import CONCESSIONS, limit
from turnwise.environments.lmrl_gym.car_dealer.deal import BRANDS, FEATURES, TYPES, CarDealerTask
from turnwise.message import Message

Script = Generator[str | None, Message, None]
Seller = Callable[[CarDealerTask, random.Random], Script]


def best_price(task: CarDealerTask) -> int:
    """The most the built-in buyer ever pays for the car of its dreams."""
    return limit(task, (True,) * (2 + len(task.features)), CONCESSIONS)


def seller(skill: float) -> Seller:
    """A seller who, with probability `skill` a message, says what the best seller says, else anything.

    The best one promises all that the buyer wants and does not move from the buyer's last limit.
    """

    def script(task: CarDealerTask, rng: random.Random) -> Script:
        yield
        while True:
            yield _best(task) if rng.random() < skill else _anything(rng)

    return script


def mixed(task: CarDealerTask, rng: random.Random) -> Script:
    """Another one of the graded sellers in every episode."""
    return (yield from rng.choice(list(GRADED.values()))(task, rng))


def _best(task: CarDealerTask) -> str:
    price = best_price(task)
    return _pitch(task.brand, task.type, task.features, price, price)


def _anything(rng: random.Random) -> str:
    msrp = rng.randrange(10_000, 100_001, 500)
    features = rng.sample(FEATURES, rng.randint(1, 4))
    return _pitch(rng.choice(BRANDS), rng.choice(TYPES), features, msrp, msrp * rng.randint(60, 100) // 100)


def _pitch(brand: str, kind: str, features: tuple[str, ...] | list[str], msrp: int, price: int) -> str:
    return (
        f"I have {brand} ({kind}) for you, with {', '.join(features)}. The MSRP is ${msrp:,}. "
        f"You can have it for ${price:,}."
    )


GRADED: dict[str, Seller] = {
    "solver": seller(1.0),
    "skill75": seller(0.75),
    "skill50": seller(0.5),
    "skill25": seller(0.25),
    "random": seller(0.0),
}
