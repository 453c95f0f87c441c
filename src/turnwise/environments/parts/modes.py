"""Modes: a reply is in language mode until it enters a tool; then only that tool's own actions are legal.

The stack has language at the bottom and at most one tool on top. In language mode free text may come, or the
entry action of a tool. Inside, the tool says symbol by symbol what is legal, until it exits: that ends the
reply, and what the tool gives back is the next observation. A plain language model writes the same call as
text, and `Modes.read` finds it: the first call of a reply counts, what follows it is not read.

Source: Yue et al., "Expanding the Action Space of LLMs to Reason Beyond Language", 2025, arXiv:2510.07581,
whose policy has one output row for each of these actions.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

from turnwise.action import Action, Offer


class Mode(ABC):
    """A tool that a reply can enter: its actions, its grammar as states, and how a call looks as text.

    States are values of the tool's own; equal states offer the same.
    """

    name: str
    entry: Action
    """Switches from language to this mode."""
    start: Any = None
    """The state on entry."""
    pattern: re.Pattern[str]
    """A whole call within any text, found in linear time; its group `body` is what `body` reads."""

    @abstractmethod
    def legal(self, state: Any) -> tuple[Action, ...]:
        """What may come next; nothing once the tool has exited."""

    @abstractmethod
    def after(self, state: Any, action: int) -> Any:
        """The state after a legal action."""

    @abstractmethod
    def render(self, inside: Sequence[int]) -> str:
        """The text of the actions since the entry."""


class Call(NamedTuple):
    """A call that stands in a text."""

    mode: Mode
    body: str
    """What stands between the entry and the exit."""


class Modes:
    """The actions of one reply that may enter one of some tools (an `ActionSpace`)."""

    __slots__ = ("_known", "_language", "_modes", "_state")

    def __init__(self, modes: Sequence[Mode], *, text: bool = True) -> None:
        self._modes = {mode.entry.id: mode for mode in modes}
        if len(self._modes) < len(modes):
            raise ValueError(f"entry actions need ids of their own, got {[mode.entry for mode in modes]}")
        self._language = Offer(tuple(mode.entry for mode in modes), text)
        # The actions asked about last, and the state after them: replies are asked about action by action.
        self._known: list[int] = []
        self._state: Any = None

    def offer(self, chosen: Sequence[int]) -> Offer:
        """Entries and text at first; inside a tool its legal actions; nothing after its exit.

        Raises:
            ValueError: an action was not legal where it stands.
        """
        if not chosen:
            return self._language
        mode = self._modes.get(chosen[0])
        if mode is None:
            raise ValueError(f"action {chosen[0]} enters no tool; entries: {sorted(self._modes)}")
        known = self._known
        if known and known == [*chosen[: len(known)]]:
            start, state = len(known), self._state
        else:
            start, state = 1, mode.start
        for place in range(start, len(chosen)):
            number, legal = chosen[place], mode.legal(state)
            if all(action.id != number for action in legal):
                expected = [action.id for action in legal]
                raise ValueError(f"action {number} at place {place}: {mode.name} expects one of {expected}")
            state = mode.after(state, number)
        self._known, self._state = list(chosen), state
        return Offer(mode.legal(state))

    def render(self, chosen: Sequence[int]) -> str:
        """The entry's text, then the tool's."""
        mode = self._modes[chosen[0]]
        return mode.entry.text + mode.render(chosen[1:])

    def read(self, text: str) -> Call | None:
        """The call that begins first in a text."""
        first: re.Match[str] | None = None
        found: Call | None = None
        for mode in self._modes.values():
            match = mode.pattern.search(text)
            if match is not None and (first is None or match.start() < first.start()):
                first, found = match, Call(mode, match["body"])
        return found
