"""Single keystrokes: which key stands for which action, and reading keys and lines from a terminal."""

from __future__ import annotations

import os
import re
import select
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from turnwise.action import Action, ActionSpace

_MOST = 12
"""Actions that can still be told apart at a glance."""
_LONGEST = 40
_WAIT = 0.1
"""Seconds after which a reader looks whether it is to stop."""
_TAG = re.compile(r"</?answer>")
_ESCAPE = re.compile(rb"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])?")
_ARROWS = {b"A": "up", b"B": "down", b"C": "right", b"D": "left"}
_MOVES = ("", "go", "move", "walk", "step")
_DIRECTIONS = {
    **dict.fromkeys(("up", "north"), ("up", "w", "k")),
    **dict.fromkeys(("down", "south"), ("down", "s", "j")),
    **dict.fromkeys(("left", "west"), ("left", "a", "h")),
    **dict.fromkeys(("right", "east"), ("right", "d", "l")),
}
"""The keys for a word: an arrow, and letters of the left hand and of the right."""
SIGNS = {"up": "↑", "down": "↓", "left": "←", "right": "→"}


class Choice(NamedTuple):
    """An action that one key does."""

    key: str
    """The one to name in a menu: a character, or the name of an arrow."""
    label: str
    reply: str
    """What is said by it."""


class Keymap(NamedTuple):
    """Keys and what they do."""

    choices: tuple[Choice, ...]
    by_key: dict[str, Choice]


def label(text: str) -> str:
    """An action as a menu names it: without the marks round an answer."""
    return " ".join(_TAG.sub("", text).split())


def keymap(space: ActionSpace) -> Keymap | None:
    """Keys for the actions; None where they are too many, or a reply is more than one of them."""
    offer = space.offer(())
    actions = offer.actions
    if offer.text or not 0 < len(actions) <= _MOST:
        return None
    replies = [_reply(space, action) for action in actions]
    by_key: dict[str, Choice] = {}
    choices: list[Choice] = []
    # Directions take their keys first, wherever they stand in the list.
    order = sorted(range(len(actions)), key=lambda place: _direction(actions[place]) is None)
    for place in order:
        reply, name = replies[place], label(actions[place].text)
        if reply is None or len(name) > _LONGEST:
            return None
        keys = _direction(actions[place]) or (_free(name, actions[place].id, by_key),)
        choice = Choice(keys[0], name, reply)
        choices.append(choice)
        by_key |= dict.fromkeys((key for key in keys if key not in by_key), choice)
    return Keymap(tuple(choices), by_key)


def _reply(space: ActionSpace, action: Action) -> str | None:
    """The reply of nothing but `action`; None where more must follow it."""
    offer = space.offer((action.id,))
    if not offer.actions and not offer.text:
        return space.render((action.id,))
    for end in offer.actions:
        # An action without a text says that the reply is complete.
        if not end.text and not space.offer((action.id, end.id)).actions:
            return space.render((action.id, end.id))
    return None


def _direction(action: Action) -> tuple[str, ...] | None:
    verb, _, word = label(action.text).lower().rpartition(" ")
    return _DIRECTIONS.get(word) if verb in _MOVES else None


def _free(name: str, number: int, taken: Iterable[str]) -> str:
    """The key nearest to an action: its only digit, a letter of its word, or its number."""
    word, digits = re.sub(r"[^\w ]", "", name).lower(), re.findall("[0-9]", name)
    numbered = [f"{number + 1}"] if number < 9 else []
    first = digits if len(digits) == 1 else list(word) if word.isascii() and word.isalpha() else numbered
    return next(key for key in (*first, *"123456789", *"zxcvbnmqertyuiopgf0") if key not in taken)


def decoded(data: bytes) -> list[str]:
    """The keys that bytes of a terminal stand for: characters, `up`, `down`, `left`, `right`, `escape`."""
    keys: list[str] = []
    start = 0
    for found in _ESCAPE.finditer(data):
        keys += data[start : found.start()].decode(errors="replace")
        keys += [_ARROWS.get(found[0][-1:], "other") if len(found[0]) > 1 else "escape"]
        start = found.end()
    return keys + list(data[start:].decode(errors="replace"))


class Keyboard:
    """Keys and lines from a terminal.

    Args:
        descriptor: The terminal.
        stopped: Asked now and then; reading ends with EOFError once it says so.
    """

    def __init__(self, descriptor: int, stopped: Callable[[], bool] = lambda: False) -> None:
        self._descriptor = descriptor
        self._stopped = stopped
        self._waiting: deque[str] = deque()
        self._before: list[Any] | None = None
        """How the terminal was set when we came."""

    def listen(self, *, keys: bool) -> None:
        """Have keys passed on as they are pressed, and not shown; or else lines, edited as usual.

        Called before the question is shown: what is pressed in the old way could be lost on the change.
        """
        import termios

        if self._before is None:
            self._before = termios.tcgetattr(self._descriptor)
        now = list(self._before)
        if keys:
            now[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, now)

    def restore(self) -> None:
        """Leave the terminal as it was."""
        if self._before is not None:
            self.listen(keys=False)

    def key(self) -> str:
        """The next key; a line's end is `enter`.

        Raises:
            EOFError: Ctrl-D, or nobody is there any more.
        """
        while not self._waiting:
            self._waiting.extend(decoded(self._bytes()))
        key = self._waiting.popleft()
        if key == "\x04":
            raise EOFError
        return "enter" if key in "\r\n" else key

    def line(self) -> str:
        """The next line.

        Raises:
            EOFError: Ctrl-D, or nobody is there any more.
        """
        self._waiting.clear()
        return self._bytes().decode(errors="replace").rstrip("\r\n")

    def _bytes(self) -> bytes:
        while not self._stopped():
            if select.select([self._descriptor], [], [], _WAIT)[0]:
                data = os.read(self._descriptor, 4096)
                if not data:
                    break
                return data
        raise EOFError
