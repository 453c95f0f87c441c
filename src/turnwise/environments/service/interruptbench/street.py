"""The world: walk along the stalls, take things and put them back, and stop when the basket is right."""

from __future__ import annotations

from turnwise.action import Action, Menu
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, World
from turnwise.environments.parts.world import Step as Took
from turnwise.environments.service.interruptbench.errands import GOODS, Street
from turnwise.environments.service.interruptbench.rows import Errand

STOP = "stop"
WEST, EAST = "go west", "go east"
EARLY = "Early stop"
UNREADABLE, SAME = 3, 5
"""Unreadable replies, and equal actions, in a row after which an episode is stopped early."""
_TAKEN, _HERE, _LIES = ("#14532d", "#bbf7d0"), ("#1e3a8a", "#bfdbfe"), ("#475569", "#f1f5f9")
_WIDTH, _LONGEST = 20, 200
_RULES = (
    "You run an errand in a street of stalls. Reply with one action: go west, go east, take THING, put back "
    "THING, or stop when you are done. What is asked of you may change while you are at it."
)
_ALWAYS = tuple(Action(number, text) for number, text in enumerate((WEST, EAST, STOP)))
_TAKES = {item: Action(3 + number, f"take {item}") for number, item in enumerate(GOODS)}
_PUTS_BACK = {item: Action(3 + len(GOODS) + number, f"put back {item}") for number, item in enumerate(GOODS)}
_HELP = "Reply go west, go east, take THING, put back THING, or stop."


class StreetWorld(World):
    """One errand in progress.

    Args:
        errand: What is wanted.
        street: Where.
        intent: How the errand is told.
    """

    def __init__(self, errand: Errand, street: Street, intent: str) -> None:
        self.errand = errand
        self.street = street
        self.place = len(street.stalls) // 2
        self.basket: list[str] = []
        self._unreadable = 0
        self._last: str = ""
        self._equal = 0
        self._says = f"{_RULES}\n\nYour errand: {intent}\n\n{self._here()}"

    # What the player sees -----------------------------------------------------------------------------

    def observe(self) -> str:
        """The rules at first, then what came of the last action."""
        return self._says

    def actions(self) -> Menu:
        """What may be done here."""
        here = self.street.stalls[self.place]
        takes = [_TAKES[item] for item in here if item not in self.basket]
        return Menu([*_ALWAYS, *takes, *(_PUTS_BACK[item] for item in self.basket)])

    def key(self) -> str:
        """Place, basket, and what early stopping counts."""
        basket = ",".join(self.basket)
        return f"{self.place}|{basket}|{self._unreadable}|{self._last}*{self._equal}"

    def picture(self) -> Board:
        """A row a thing, stall by stall: where the player is, and what is in the basket."""
        rows: list[tuple[Cell, ...]] = []
        for number, stall in enumerate(self.street.stalls):
            for item in stall:
                ink, paper = _TAKEN if item in self.basket else _HERE if number == self.place else _LIES
                line = f"{'@' if number == self.place else ' '} {number + 1} {item}"
                rows.append(tuple(Cell(mark, ink, paper) for mark in line.ljust(_WIDTH)[:_WIDTH]))
        return Board(tuple(rows), caption=self.outcome or f"{len(self.basket)} in the basket")

    def metrics(self) -> dict[str, float]:
        """Whether it went round in circles."""
        return {"early_stop": float((self.outcome or "").startswith(EARLY))}

    # What the player does -----------------------------------------------------------------------------

    def step(self, reply: str) -> Took:
        """Do one thing; what cannot be done here is told, and counts as an action."""
        action = " ".join(reply.strip(" \t\r\n.!`'\"").lower().split())[:_LONGEST]
        self._equal = self._equal + 1 if action == self._last else 1
        self._last = action
        if action == STOP:
            return self._stop()
        said = self._do(action)
        self._unreadable = 0 if said else self._unreadable + 1
        self._says = f"{said or _HELP} {self._here()}"
        if self._unreadable == UNREADABLE or self._equal == SAME:
            why = "no action in 3 replies" if self._unreadable == UNREADABLE else "the same action 5 times"
            self.over, self.outcome = True, f"{EARLY}: {why}"
        return Took(valid=bool(said))

    def _stop(self) -> Took:
        wanted, got = set(self.errand.wanted), set(self.basket)
        right = wanted == got if self.errand.only else wanted <= got
        self.over, self.outcome = True, "right" if right else "wrong"
        return Took((Gain(float(right), "success"),))

    def _do(self, action: str) -> str:
        """What came of an action; empty where it is none."""
        if action in (WEST, EAST):
            to = self.place + (1 if action == EAST else -1)
            if not 0 <= to < len(self.street.stalls):
                return "The street ends here."
            self.place = to
            return "You walk on."
        if action.startswith("take "):
            item = action.removeprefix("take ").removeprefix("the ")
            if item in self.basket:
                return f"You have the {item} already."
            if item not in self.street.stalls[self.place]:
                return f"There is no {item} here."
            self.basket = sorted([*self.basket, item])
            return f"You take the {item}."
        if action.startswith("put back "):
            item = action.removeprefix("put back ").removeprefix("the ")
            if item not in self.basket:
                return f"You have no {item}."
            self.basket.remove(item)
            return f"You put back the {item}."
        return ""

    def _here(self) -> str:
        goods = ", ".join(self.street.stalls[self.place])
        basket = ", ".join(self.basket) or "nothing"
        return f"Stall {self.place + 1} of {len(self.street.stalls)}: {goods}. In your basket: {basket}."
