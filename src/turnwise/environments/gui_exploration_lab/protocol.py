"""What the agent is told, and the one action that ends each of its replies."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.gui_exploration_lab.graph import BACK, HOME
from turnwise.environments.gui_exploration_lab.screens import HEIGHT, WIDTH, Screen, centre

Kind: TypeAlias = Literal["click", "back", "home", "complete"]

_ACTION = re.compile(
    r"(?:action:\s*)?(?:(?P<word>back|home|complete)\s*(?:\(\s*\))?"
    r"|click\s*\(\s*(?P<x>[0-9]{1,6})\s*,\s*(?P<y>[0-9]{1,6})\s*\))\s*\.?",
    re.IGNORECASE | re.ASCII,
)

NOT_UNDERSTOOD = (
    "That is no action. End your reply with one line that is click(x, y), back(), home() or complete(), "
    f"x from 0 to {WIDTH - 1} and y from 0 to {HEIGHT - 1}."
)


class Act(NamedTuple):
    """An action that was read."""

    kind: Kind
    x: int = 0
    y: int = 0

    @property
    def words(self) -> str:
        """It as the agent writes it."""
        return f"click({self.x}, {self.y})" if self.kind == "click" else f"{self.kind}()"


def read(reply: str) -> Act | None:
    """The action in the last line of a reply; None where there is none, or it clicks beside the screen."""
    found = _ACTION.fullmatch(reply.rstrip().rpartition("\n")[2].strip())
    if found is None:
        return None
    word = found["word"]
    if word is not None:
        kind: Kind = "back" if word.lower() == "back" else "home" if word.lower() == "home" else "complete"
        return Act(kind)
    x, y = int(found["x"]), int(found["y"])
    return Act("click", x, y) if x < WIDTH and y < HEIGHT else None


def write(screen: Screen, move: int) -> Act:
    """The action that makes a move: icons are clicked at the middle of their cell."""
    if move == BACK:
        return Act("back")
    if move == HOME:
        return Act("home")
    return Act("click", *centre(screen.icons[move].cell))


def opening(start: Screen, goal: Screen, *, actions: int, declare: bool, slip: str = "") -> str:
    """The task and the rules."""
    icon = f" (icon: {goal.look.words})"
    end = " and then declare that you are there" if declare else ""
    complete = "you are on the screen asked for; this ends the task" if declare else "give up"
    return (
        f"You use an app with many screens, of which you see one at a time, {WIDTH} pixels wide and {HEIGHT} "
        f"high; x counts from the left, y from the top. Icons open other screens; some open nothing.\n"
        f"Task: from screen {start.name} go to screen {goal.name}{icon}{end}.\n"
        f"End each reply with one action in a line of its own:\n"
        f"click(x, y): click at a point of the screen\n"
        f"back(): one level up\n"
        f"home(): to the first screen\n"
        f"complete(): {complete}\n"
        f"You have {actions} actions, those that do nothing included.{slip}"
    )
