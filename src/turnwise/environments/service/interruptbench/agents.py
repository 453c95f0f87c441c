"""Players without a model: one that listens to every change, one that is deaf to them, one that wanders."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Generator
from typing import Any

from turnwise.agents.legal import RandomLegal
from turnwise.environments.service.interruptbench.street import EAST, STOP, WEST
from turnwise.message import Message

Script = Generator[str | None, Message, None]

_ERRAND = re.compile(r"Your errand(?: now)?: Fetch (.*?)(, and nothing else)?\.$", re.MULTILINE)
_PLACE = re.compile(r"Stall (\d+) of (\d+): (.*?)\. In your basket: (.*?)\.")
_ADDS = re.compile(r"I also need the ([a-z ]+?)\.")
_REVISES = re.compile(r"Sorry, not the ([a-z ]+?): I meant the ([a-z ]+?)\.")
_RETRACTS = re.compile(r"You can leave out the ([a-z ]+?)\.")


class _Mind:
    """What a player knows: what is wanted by now, and what lies where."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.lies: dict[str, int] = {}
        self.basket: list[str] = []
        self.place = self.stalls = 0

    def hear(self, text: str, *, deaf: bool) -> None:
        """Take in what was said; a deaf one takes in nothing but the errand as it stood at first."""
        found = _ERRAND.search(text)
        if found is not None and not self.wanted:
            self.wanted = [item.strip().removeprefix("the ") for item in found[1].split(",")]
        if not deaf:
            self._change(text)
        for where in _PLACE.finditer(text):
            self.place, self.stalls = int(where[1]) - 1, int(where[2])
            self.lies |= dict.fromkeys(where[3].split(", "), self.place)
            self.basket = [] if where[4] == "nothing" else where[4].split(", ")

    def _change(self, text: str) -> None:
        self.wanted += [item for item in _ADDS.findall(text) if item not in self.wanted]
        for old, new in _REVISES.findall(text):
            self.wanted = [new if item == old else item for item in self.wanted]
        dropped = _RETRACTS.findall(text)
        self.wanted = [item for item in self.wanted if item not in dropped]

    def next(self) -> str:
        """What to do now."""
        here = [item for item in self.wanted if self.lies.get(item) == self.place and item not in self.basket]
        if here:
            return f"take {here[0]}"
        too_much = [item for item in self.basket if item not in self.wanted]
        if too_much:
            return f"put back {too_much[0]}"
        left = [item for item in self.wanted if item not in self.basket]
        if not left:
            return STOP
        known = [self.lies[item] for item in left if item in self.lies]
        if known:
            nearest = min(known, key=lambda stall: (abs(stall - self.place), stall))
            return EAST if nearest > self.place else WEST
        unseen = [stall for stall in range(self.stalls) if stall not in self.lies.values()]
        if not unseen:
            return STOP
        nearest = min(unseen, key=lambda stall: (abs(stall - self.place), stall))
        return EAST if nearest > self.place else WEST


def _player(deaf: bool) -> Callable[[Any, random.Random], Script]:
    def play(task: Any, rng: random.Random) -> Script:
        mind = _Mind()
        heard = yield
        while True:
            mind.hear(heard.text, deaf=deaf)
            heard = yield mind.next()

    return play


AGENTS: dict[str, Any] = {
    "solver": _player(deaf=False),
    "deaf": _player(deaf=True),
    "random": RandomLegal(),
}
