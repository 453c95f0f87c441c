"""Errands made from seeds: a street of stalls, what is wanted of it, and how it is told."""

from __future__ import annotations

import random
from typing import NamedTuple

from turnwise.agents.users.interruption import Change
from turnwise.environments.service.interruptbench.rows import KINDS, Errand, Scenario, Step

COLOURS = ("red", "blue", "green", "white", "black")
THINGS = ("lamp", "cup", "book", "scarf", "candle", "basket", "clock", "vase", "drum", "kite")
GOODS = tuple(f"{colour} {thing}" for thing in THINGS for colour in COLOURS)
"""All there can be; twenty of them lie in a street."""
STALLS = 5
WANTED = 4
"""Things that are wanted in the end."""

SAYS: dict[Change, str] = {
    "addition": "I also need the {item}.",
    "revision": "Sorry, not the {instead_of}: I meant the {item}.",
    "retraction": "You can leave out the {item}.",
}


class Street(NamedTuple):
    """Stalls from west to east, and what lies on each."""

    stalls: tuple[tuple[str, ...], ...]


def street(seed: int) -> Street:
    """The street of a seed: every thing in two colours, spread over the stalls."""
    rng = random.Random(f"street/{seed}")
    goods = [f"{colour} {thing}" for thing in THINGS for colour in rng.sample(COLOURS, 2)]
    rng.shuffle(goods)
    each = len(goods) // STALLS
    return Street(tuple(tuple(sorted(goods[at * each : (at + 1) * each])) for at in range(STALLS)))


def errand(identity: str, seed: int, scenario: Scenario) -> Errand:
    """The errand of a seed: half of them want nothing but what is wanted, the others do not mind more."""
    rng = random.Random(f"errand/{seed}")
    goods = [item for stall in street(seed).stalls for item in stall]
    drawn = rng.sample(goods, WANTED + len(KINDS[scenario]))
    wanted, others = drawn[:WANTED], drawn[WANTED:]
    initial, updates = list(wanted), list[Step]()
    for number, kind in enumerate(KINDS[scenario]):
        mine, other = wanted[number], others[number]
        if kind == "addition":
            initial.remove(mine)
            step = Step(kind=kind, item=mine, text=SAYS[kind].format(item=mine))
        elif kind == "revision":
            initial[initial.index(mine)] = other
            text = SAYS[kind].format(item=mine, instead_of=other)
            step = Step(kind=kind, item=mine, instead_of=other, text=text)
        else:
            initial.insert(rng.randint(0, len(initial)), other)
            step = Step(kind=kind, item=other, text=SAYS[kind].format(item=other))
        updates.append(step)
    return Errand(
        id=identity,
        seed=seed,
        scenario=scenario,
        wanted=tuple(wanted),
        only=seed % 2 == 0,
        initial=tuple(initial),
        updates=tuple(updates),
    )


def told(items: tuple[str, ...], only: bool) -> str:
    """An errand in words."""
    things = ", ".join(f"the {item}" for item in items)
    return f"Fetch {things}{', and nothing else' if only else ''}."
