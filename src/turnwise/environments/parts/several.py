"""Several actions in one reply: offered one after the other, read from text, and done in order.

Each action that was issued gets a flag: whether the state after it differs from the state before. Actions
that follow the end of the game are issued, too, and change nothing.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from itertools import islice
from typing import ClassVar

from turnwise.action import Action, Offer

_WORD = re.compile(r"[^\s,;|]+")
_OPEN, _CLOSE = "<answer>", "</answer>"


class Game(ABC):
    """A game without words: actions by number, and a state that can be compared."""

    NAMES: ClassVar[tuple[str, ...]]
    """The actions' names, lower case; the place is the id."""
    over: bool = False

    @abstractmethod
    def state(self) -> Hashable:
        """All that matters for what comes, and nothing else: no counters of steps."""

    @abstractmethod
    def act(self, action: int) -> None:
        """Do it; what cannot be done changes nothing."""


def perform(game: Game, actions: Sequence[int]) -> list[bool]:
    """Do them in order, until the game is over; for each whether it changed the state."""
    flags: list[bool] = []
    before = game.state()
    for action in actions:
        if game.over:
            break
        game.act(action)
        after = game.state()
        flags.append(after != before)
        before = after
    return flags + [False] * (len(actions) - len(flags))


class Several:
    """One to `most` actions a reply, in order; the extra action `stop` ends it.

    In text they are words between commas or spaces, after whatever else is said in `<answer>` and
    `</answer>`; a reply of nothing but actions needs no marks.
    """

    __slots__ = ("_ids", "_more", "_start", "most", "names", "stop")

    def __init__(self, names: Sequence[str], most: int) -> None:
        self.names = tuple(names)
        self.most = most
        self.stop = len(names)
        """Id of the action that ends a reply; it has no text of its own."""
        self._ids = {name: number for number, name in enumerate(names)}
        self._start = Offer(tuple(Action(number, name) for number, name in enumerate(names)))
        self._more = Offer((*self._start.actions, Action(self.stop, "")))

    def offer(self, chosen: Sequence[int]) -> Offer:
        """All actions; from the second on also the end."""
        last = len(chosen) - 1
        for place, action in enumerate(chosen):
            ends = action == self.stop and place == last and place > 0
            if not (ends or 0 <= action < self.stop) or place >= self.most:
                raise ValueError(
                    f"actions {list(chosen)[:20]}: place {place}: expected up to {self.most} of 0 to "
                    f"{self.stop - 1}, then {self.stop} to end"
                )
        if not chosen:
            return self._start
        return self._more if chosen[-1] != self.stop and len(chosen) < self.most else Offer()

    def render(self, chosen: Sequence[int]) -> str:
        """Their names, with commas."""
        return ", ".join(self.names[action] for action in chosen if action != self.stop)

    def read(self, reply: str) -> list[int] | str:
        """The ids of the actions in a reply, or one line that says why it has none."""
        start = reply.rfind(_OPEN)
        if start >= 0:
            start += len(_OPEN)
            end = reply.find(_CLOSE, start)
            reply = reply[start:] if end < 0 else reply[start:end]
        words = [found[0] for found in islice(_WORD.finditer(reply), self.most + 1)]
        if not words:
            return f"No action was given. {self._wanted()}"
        if len(words) > self.most:
            return f"More than {self.most} actions were given. {self._wanted()}"
        actions: list[int] = []
        for word in words:
            action = self._ids.get(word.strip(".").lower())
            if action is None:
                return f"{word[:20]!r} is no action. {self._wanted()}"
            actions.append(action)
        return actions

    def _wanted(self) -> str:
        return f"Give one to {self.most} of {', '.join(self.names)}. Nothing was done."
