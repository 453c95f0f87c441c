"""Actions that are more than text: each has an id and a rendering, and the environment offers what is legal.

An environment passes an `ActionSpace` with `Role.respond(actions=...)`. Whoever can choose by id (a policy
head with a row an action, a random player, a menu shown to a person) asks it what may come next; a plain
language model just writes, and the environment reads what it wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Action(NamedTuple):
    """One thing that can be done."""

    id: int
    """The same for the same action at every turn of every episode of the environment."""
    text: str
    """How it is written in a reply."""


class Offer(NamedTuple):
    """What may come next within one reply; nothing at all ends it."""

    actions: tuple[Action, ...] = ()
    text: bool = False
    """Whether free text may come, too (a language mode)."""


class ActionSpace(Protocol):
    """The legal replies of one turn, action by action."""

    def offer(self, chosen: Sequence[int]) -> Offer:
        """What may follow the actions `chosen` so far in this reply.

        Raises:
            ValueError: one of them was not legal where it stands.
        """
        ...

    def render(self, chosen: Sequence[int]) -> str:
        """The reply's text for the actions `chosen`."""
        ...


class Menu:
    """One action a turn, out of a list."""

    __slots__ = ("_texts", "actions")

    def __init__(self, actions: Sequence[Action]) -> None:
        self.actions = tuple(actions)
        self._texts = {action.id: action.text for action in self.actions}

    @classmethod
    def of(cls, texts: Sequence[str]) -> Menu:
        """A menu whose ids are the places in `texts`."""
        return cls([Action(number, text) for number, text in enumerate(texts)])

    def offer(self, chosen: Sequence[int]) -> Offer:
        """All of them at first, then nothing."""
        if not chosen:
            return Offer(self.actions)
        if len(chosen) > 1 or chosen[0] not in self._texts:
            raise ValueError(f"actions {list(chosen)}: expected one of {sorted(self._texts)}")
        return Offer()

    def render(self, chosen: Sequence[int]) -> str:
        """The text of the one that was chosen."""
        return self._texts[chosen[0]]
