"""A person who plays at the terminal: sees how things stand, what was said and what may be done."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

from turnwise.action import ActionSpace
from turnwise.agents.human import Human
from turnwise.cli import output
from turnwise.cli.keys import SIGNS, Keyboard, Keymap, keymap, label
from turnwise.environments.parts.picture import Picture
from turnwise.model import Request

_MORE = ", … {} more"
_HELP = "   ? all that was said   Ctrl-D leave"
_BELOW_IMAGES = 14
"""Lines that an image leaves free."""
_KEPT_LINES = 4
"""Lines of what was said that are shown however small the terminal is."""


class Player(Human):
    """A person, shown the picture before each question, in place where the terminal allows it.

    `show` takes the pictures as they come. In a terminal, actions that are few have keys; Tab leads to a line
    of text, as does any question without such actions.
    """

    def __init__(self) -> None:
        here = _in_terminal()
        super().__init__(read=self._line if here else None)
        self.picture: Picture | None = None
        """The last one."""
        self.in_place = False
        """Whether the screen was taken, and drawn anew for each question."""
        self._gone = False
        self._keyboard = Keyboard(sys.stdin.fileno(), lambda: self._gone) if here else None
        self._keymap: Keymap | None = None
        self._request: Request | None = None

    def show(self, turn: int, picture: Picture | None) -> None:
        """A picture that the environment shows."""
        self.picture = picture

    async def close(self) -> None:
        """The person is no longer asked."""
        self._gone = True

    def leave(self) -> None:
        """Give the terminal back as it was."""
        if self._keyboard is not None:
            self._keyboard.restore()
        if self.in_place:
            sys.stderr.write("\x1b[?1049l")
            sys.stderr.flush()

    def _show(self, request: Request) -> None:
        self._request = request
        space = request.actions
        self._keymap = None if self._keyboard is None or space is None else keymap(space)
        if self._keyboard is not None:
            self._keyboard.listen(keys=self._keymap is not None)
        if self._keyboard is not None and self.picture is not None and not request.tools:
            if not self.in_place:
                sys.stderr.write("\x1b[?1049h")
                self.in_place = True
            self._draw(self.picture, request)
            return
        if self.picture is not None:
            self._write("\n" + drawn(self.picture).rstrip("\n"))
        super()._show(request)
        for line in _menu(self._keymap, space):
            self._write(line)

    def _reply(self) -> str:
        if self._keyboard is None:
            return super()._reply()
        while self._keymap is not None:
            key = self._keyboard.key()
            if key in self._keymap.by_key:
                return self._keymap.by_key[key].reply
            if key == "?" and self._request is not None:
                self._tell_all(self._request)
            elif key in ("\t", "enter"):
                break
        return super()._reply()

    def _line(self) -> str:
        """A line of text; one that only asks for all that was said is no reply."""
        assert self._keyboard is not None
        while True:
            self._keyboard.listen(keys=False)
            sys.stderr.write("> ")
            sys.stderr.flush()
            line = self._keyboard.line()
            if not (line.strip() == "?" and self.in_place and self._request is not None):
                return line
            self._tell_all(self._request)

    def _draw(self, picture: Picture, request: Request) -> None:
        """The whole screen: the picture, as much of what was said as there is room for, and the menu."""
        console = output.console(stderr=True)
        top = drawn(picture)
        menu = _menu(self._keymap, request.actions, console.width)
        if self._keymap is None:
            menu = [*menu, _HELP]
        said = self._said(request, console.width)
        below = sum(-(-len(line) // console.width) for line in menu)
        # Two empty lines, the prompt, and the line that the cursor is on.
        room = max(_KEPT_LINES, console.height - top.count("\n") - below - 4)
        if len(said) > room:
            said = [*said[: room - 1], f" … {len(said) - room + 1} more lines"]
        _screen(top.rstrip("\n"), "", *said, "", *menu)

    def _said(self, request: Request, width: int) -> list[str]:
        from rich.text import Text

        console = output.console(stderr=True)
        texts = [Text(output.clean(message.text).strip()) for message in self._news(request)]
        return [f" {line.plain}" for text in texts for line in text.wrap(console, max(width - 1, 10))]

    def _tell_all(self, request: Request) -> None:
        """Everything that was said so far, from the rules on, until a key is pressed."""
        assert self._keyboard is not None
        texts = [f"[{message.role}]\n{output.clean(message.text)}\n" for message in request.messages]
        self._keyboard.listen(keys=True)
        _screen(*texts, "any key goes back")
        self._keyboard.key()
        self._show(request)


def _in_terminal() -> bool:
    """Whether a person sits before the screen, and keys can be read one by one."""
    # Where there is no `termios`, keys cannot be read one by one.
    able = find_spec("termios") is not None and os.environ.get("TERM") != "dumb"
    return able and sys.stdin.isatty() and sys.stderr.isatty()


def drawn(picture: Picture) -> str:
    """A picture as the terminal at standard error shows it."""
    from turnwise.view.pictures.terminal import printed

    console = output.console(stderr=True)
    colours = console.color_system is not None
    if not console.is_terminal:
        return printed(picture, colours=colours)
    return printed(picture, width=console.width, colours=colours, rows=max(8, console.height - _BELOW_IMAGES))


def _menu(known: Keymap | None, space: ActionSpace | None, width: int = 100) -> list[str]:
    """What may be done, and by which keys."""
    if known is None:
        return [] if space is None else [_listed(space, width)]
    keys = [f"{SIGNS.get(choice.key, choice.key)} {output.clean(choice.label)}" for choice in known.choices]
    return [" " + "   ".join(keys), f" Tab type a reply{_HELP}"]


def _listed(space: ActionSpace, width: int) -> str:
    """The actions by name, as many as two lines hold."""
    offer = space.offer(())
    names = [label(action.text) for action in offer.actions]
    words = " text, or actions: " if offer.text else " actions: "
    left = 2 * width - len(words) - len(_MORE)
    count = 0
    while count < len(names) and len(names[count]) + 2 <= left:
        left -= len(names[count]) + 2
        count += 1
    more = _MORE.format(len(names) - count) if count < len(names) else ""
    return output.clean(words + ", ".join(names[:count]) + more)


def _screen(*parts: str) -> None:
    """Draw the screen anew."""
    sys.stderr.write("\x1b[H\x1b[J" + "\n".join(parts) + "\n")
    sys.stderr.flush()
