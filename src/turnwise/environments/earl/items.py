"""EARL's tools for hidden values behind the letters A to E, as modes that exit by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from turnwise.action import Action
from turnwise.environments.parts.modes import Mode

LETTERS = "ABCDE"
"""A letter's action id is its place here."""
COMPARE, SWAP, CHECK, DONE, ANSWER = range(5, 10)
"""Ids of the entries."""
PROPERTIES = ("negative", "positive", "even", "odd")
RELATIONS = "<>="

_LETTERS = {letter: Action(place, f" {letter}") for place, letter in enumerate(LETTERS)}
_PROPERTIES = {name: Action(10 + place, f" is {name}") for place, name in enumerate(PROPERTIES)}
_RELATIONS = {mark: Action(14 + place, f" {mark}") for place, mark in enumerate(RELATIONS)}
_TEXTS = {a.id: a.text for a in (*_LETTERS.values(), *_PROPERTIES.values(), *_RELATIONS.values())}


class Steps(Mode):
    """A tool with a fixed number of choices, after which it exits; the state is what was chosen.

    Args:
        letters: The letters that can be chosen.
    """

    start: tuple[int, ...] = ()
    joint: str = ""
    """Written before the second choice."""
    close: str = ""
    """Written at the end."""

    def __init__(self, letters: str) -> None:
        self.letters = tuple(_LETTERS[letter] for letter in letters)
        self.menus: tuple[tuple[Action, ...], ...] = (self.letters, self.letters)

    def legal(self, state: tuple[int, ...]) -> tuple[Action, ...]:
        """The choices at this step."""
        return self.menus[len(state)] if len(state) < len(self.menus) else ()

    def after(self, state: tuple[int, ...], action: int) -> tuple[int, ...]:
        """One more choice."""
        return (*state, action)

    def render(self, inside: Sequence[int]) -> str:
        """The choices, as a call is written."""
        texts = [_TEXTS[action] for action in inside]
        if len(texts) > 1:
            texts.insert(1, self.joint)
        return "".join(texts) + (self.close if len(inside) == len(self.menus) else "")


class Compare(Steps):
    """` compare A and B`: which is larger."""

    name = "compare"
    entry = Action(COMPARE, " compare")
    joint = " and"
    pattern = re.compile(r"\bcompare[ \t]+(?P<body>[A-Z][ \t]*(?:,|and)[ \t]*[A-Z])\b", re.ASCII)


class Swap(Steps):
    """` swap A and B`: exchange the places of two different items."""

    name = "swap"
    entry = Action(SWAP, " swap")
    joint = " and"
    pattern = re.compile(r"\bswap[ \t]+(?P<body>[A-Z][ \t]*(?:,|and)[ \t]*[A-Z])\b", re.ASCII)

    def legal(self, state: tuple[int, ...]) -> tuple[Action, ...]:
        """The choices, never the same twice."""
        return tuple(action for action in super().legal(state) if action.id not in state)


class Check(Steps):
    """` check if A is even`: a property of a hidden value."""

    name = "check"
    entry = Action(CHECK, " check if")
    pattern = re.compile(
        r"\bcheck[ \t]+if[ \t]+(?P<body>[A-Z][ \t]+is[ \t]+(?:negative|positive|even|odd))\b", re.ASCII
    )

    def __init__(self, letters: str) -> None:
        super().__init__(letters)
        self.menus = (self.letters, tuple(_PROPERTIES.values()))


class Answer(Steps):
    """`<answer> A > B </answer>`: how two items stand to each other."""

    name = "answer"
    entry = Action(ANSWER, "<answer>")
    close = " </answer>"
    pattern = re.compile(r"<answer>(?P<body>[^\r\n]{0,80}?)</answer>")

    def __init__(self, letters: str) -> None:
        super().__init__(letters)
        self.menus = (self.letters, tuple(_RELATIONS.values()), self.letters)


class Done(Steps):
    """`done` at the end of a reply: the items stand as they should."""

    name = "done"
    entry = Action(DONE, "done")
    pattern = re.compile(r"\bdone\b[\s.!`]*(?P<body>)\Z", re.IGNORECASE)

    def __init__(self) -> None:
        super().__init__("")
        self.menus = ()
