"""Going from one screen to another: the game round an app."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from turnwise.action import Action, Menu
from turnwise.environments.gui_exploration_lab import protocol
from turnwise.environments.gui_exploration_lab.draw import render
from turnwise.environments.gui_exploration_lab.graph import BACK, HOME, Graph, distances
from turnwise.environments.gui_exploration_lab.screens import App, Screen, centre
from turnwise.environments.parts.picture import Picture
from turnwise.environments.parts.world import Gain, Step, World
from turnwise.errors import ConfigError
from turnwise.message import Image, Message, Text
from turnwise.role import Says

Form: TypeAlias = Literal["image", "text", "both"]


class Rules(NamedTuple):
    """What does not depend on the task."""

    observation: Form = "image"
    declare: bool = True
    factor: float = 2.0
    spare: int = 2
    format_penalty: float = 0.1
    slip: bool = False

    def budget(self, shortest: int) -> int:
        """Actions allowed where `shortest` would do."""
        return math.ceil(self.factor * shortest) + self.spare


def show(words: str, screen: Screen, form: Form) -> Says:
    """Words and a screen, drawn or told."""
    if form == "text":
        return f"{words}\n\n{describe(screen)}"
    if form == "both":
        return (Text(text=f"{words}\n\n{describe(screen)}"), render(screen))
    return (Text(text=words), render(screen))


@lru_cache(maxsize=4096)
def describe(screen: Screen) -> str:
    """The screen in words."""
    return screen.words


def locate(seen: Message, app: App, guess: int) -> int:
    """The screen that a message shows; the one guessed is looked at first, and kept where none fits."""
    image = None if isinstance(seen.content, str) else seen.content[-1]
    for at in (guess, *range(len(app.screens))):
        if isinstance(image, Image):
            if render(app.screens[at]).digest == image.digest:
                return at
        elif seen.text.endswith(describe(app.screens[at])):
            return at
    return guess


@lru_cache(maxsize=4096)
def menu(screen: Screen, complete: bool) -> Menu:
    """The actions of a screen: 0 back, 1 home, 2 complete, 3 and on a click in the middle of each cell."""
    actions = [Action(0, "back()"), Action(1, "home()")]
    if complete:
        actions.append(Action(2, "complete()"))
    for cell in sorted(icon.cell for icon in screen.icons):
        x, y = centre(cell)
        actions.append(Action(3 + cell, f"click({x}, {y})"))
    return Menu(actions)


def slipped(graph: Graph, start: int, goal: int) -> int | None:
    """The move made by mistake: the first that leads elsewhere and no nearer to `goal`, if any does."""
    far = distances(graph, goal)
    for move in graph.moves(start):
        target = graph.after(start, move)
        if target != start and far[target] >= far[start]:
            return move
    return None


class GuiWorld(World):
    """One way through an app."""

    def __init__(self, app: App, start: int, goal: int, rules: Rules) -> None:
        self.app = app
        self.goal = goal
        self.rules = rules
        slip = slipped(app.graph, start, goal) if rules.slip else None
        self.slipped = slip is not None
        self.at = start if slip is None else app.graph.after(start, slip)
        self.far = distances(app.graph, goal)
        self.shortest = self.far[self.at] + rules.declare
        self.left = self.budget = rules.budget(self.shortest)
        self.success = False
        self.detours = self.trapped = 0
        told = ""
        if slip is not None:
            act = protocol.write(app.screens[start], slip)
            told = (
                f"\nYour first action, {act.words}, was a mistake and led to the screen you see now; it is "
                f"not counted."
            )
        self._says = protocol.opening(
            app.screens[start], app.screens[goal], actions=self.budget, declare=rules.declare, slip=told
        )

    @property
    def screen(self) -> Screen:
        """What is shown."""
        return self.app.screens[self.at]

    def observe(self) -> Says:
        """What the last action did, and the screen."""
        return show(self._says, self.screen, self.rules.observation)

    def actions(self) -> Menu:
        """Icons to click, back, home, and complete where it is asked for."""
        return menu(self.screen, self.rules.declare)

    def key(self) -> str:
        """Screen and actions left."""
        return f"{self.at}/{self.left}"

    def step(self, reply: str) -> Step:
        """Carry out the action in the last line of a reply."""
        act = protocol.read(reply)
        self.left -= 1
        gains: list[Gain] = []
        if act is None:
            self._says = protocol.NOT_UNDERSTOOD
            if self.rules.format_penalty:
                gains.append(Gain(-self.rules.format_penalty, "format"))
        elif act.kind == "complete":
            self._finish(self.at == self.goal, "wrong screen")
        else:
            self._move(act)
        if not self.over and self.left == 0:
            self._finish(False, "out of actions")
        if self.success:
            gains.append(Gain(1.0, "success"))
        return Step(tuple(gains), valid=act is not None)

    def _move(self, act: protocol.Act) -> None:
        graph = self.app.graph
        fixed = {"back": BACK, "home": HOME}
        move = self.screen.hit(act.x, act.y) if act.kind == "click" else fixed[act.kind]
        before = self.at
        if move is not None:
            self.at = graph.after(before, move)
        self.detours += self.far[self.at] >= self.far[before]
        self.trapped += self.at == graph.trap != before
        self._says = "This is the screen now." if self.at != before else "Nothing happened."
        if self.at == self.goal and not self.rules.declare:
            self._finish(True, "")

    def _finish(self, success: bool, otherwise: str) -> None:
        self.over, self.success = True, success
        self.outcome = "reached" if success else otherwise

    def metrics(self) -> Mapping[str, float]:
        """Success, what the way was like, and for a success how short it was."""
        used = self.budget - self.left
        numbers: dict[str, float] = {
            "success": self.success,
            "actions": used,
            "shortest": self.shortest,
            "detours": self.detours,
        }
        if self.success:
            numbers["efficiency"] = self.shortest / used
        if self.app.graph.trap is not None:
            numbers["trapped"] = self.trapped
        if self.rules.slip:
            numbers["slipped"] = self.slipped
        return numbers

    def picture(self) -> Picture:
        """The screen, drawn where Pillow is installed."""
        try:
            return render(self.screen)
        except ConfigError:
            return describe(self.screen)
