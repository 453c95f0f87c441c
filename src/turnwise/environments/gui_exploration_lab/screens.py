"""What the screens of a graph look like: names, icons and where they stand, in words and as boxes to hit.

An `App` is a graph with looks. Icons stand in the cells of a grid, each moved about within its cell, but
never so far that its box misses the cell's centre: clicking there always hits it. Names, images and places
are drawn from streams of their own, so that one of them can be shifted while everything else stays.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.gui_exploration_lab.graph import BACK, HOME, Graph, capacity, grow
from turnwise.errors import ConfigError

Shift: TypeAlias = Literal["none", "images", "names", "layout", "noise"]
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are outside."""

WIDTH, HEIGHT = 256, 448
TITLE, BAR = 32, 40
"""Heights of the title at the top and of the bar with back and home at the bottom."""
COLUMNS, ROWS = 4, 5
CELL_WIDTH, CELL_HEIGHT = WIDTH // COLUMNS, (HEIGHT - TITLE - BAR) // ROWS
ICON, LABEL = 44, 14
"""An icon is a square with a line of text under it; both are its box."""
BACK_BOX: Box = (24, HEIGHT - BAR + 4, 104, HEIGHT - 4)
HOME_BOX: Box = (152, HEIGHT - BAR + 4, 232, HEIGHT - 4)

SHAPES = ("circle", "square", "triangle", "diamond", "hexagon", "star", "cross", "ring")
COLOURS = ("red", "orange", "gold", "green", "teal", "blue", "purple", "pink")
GLYPHS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MORE_NOISE = 3
"""Distractors that `shift="noise"` adds to each screen."""
POPUP = "Free!"


class Look(NamedTuple):
    """An icon's image: a coloured shape with a letter on it."""

    shape: int
    colour: int
    glyph: str

    @property
    def words(self) -> str:
        """It in words."""
        return f"{COLOURS[self.colour]} {SHAPES[self.shape]} with the letter {self.glyph}"


class Icon(NamedTuple):
    """An icon on a screen."""

    look: Look
    label: str
    """What is written under it; empty where icons have no labels."""
    cell: int
    box: Box


class Screen(NamedTuple):
    """Everything that can be seen of a screen."""

    name: str
    look: Look
    """The image of the icons that lead here, shown beside the name."""
    icons: tuple[Icon, ...]

    def hit(self, x: int, y: int) -> int | None:
        """The move that a click makes, or None where it hits nothing."""
        for move, icon in enumerate(self.icons):
            if _inside(icon.box, x, y):
                return move
        return BACK if _inside(BACK_BOX, x, y) else HOME if _inside(HOME_BOX, x, y) else None

    @property
    def words(self) -> str:
        """The screen as text: all that its image shows."""
        lines = [f"Screen {self.name} ({self.look.words}). Boxes are left, top, right, bottom."]
        lines += [
            f"- icon {icon.label + ', ' if icon.label else ''}{icon.look.words}, at {icon.box}"
            for icon in sorted(self.icons, key=lambda icon: icon.cell)
        ]
        return "\n".join([*lines, f"- button back, at {BACK_BOX}", f"- button home, at {HOME_BOX}"])


class App(NamedTuple):
    """A graph and its screens, in the same order."""

    graph: Graph
    screens: tuple[Screen, ...]


class Plan(NamedTuple):
    """What an app is drawn from, besides its seed."""

    screens: int = 30
    branching: int = 4
    depth: int = 4
    links: int = 6
    distractors: int = 2
    popups: int = 0
    labels: bool = True
    shift: Shift = "none"

    def check(self, place: str) -> None:
        """Refuse what cannot be drawn.

        Raises:
            ConfigError: naming the numbers that do not fit.
        """
        if not (2 <= self.screens <= 400 and 1 <= self.branching <= 10 and 1 <= self.depth <= 100):
            raise ConfigError(
                f"{place}: expected screens 2-400, branching 1-10 and depth 1-100, "
                f"got {self.screens}, {self.branching} and {self.depth}"
            )
        if self.screens > (most := capacity(self.branching, self.depth)):
            raise ConfigError(
                f"{place}: a tree of depth {self.depth} with at most {self.branching} screens under each has "
                f"at most {most}, not {self.screens}; make it deeper or wider"
            )
        if not 0 <= self.links <= 1000 or min(self.popups, self.distractors) < 0:
            raise ConfigError(f"{place}: links (at most 1000), popups and distractors must not be negative")
        if (icons := self.branching + 2 + 1 + self.distractors + MORE_NOISE) > COLUMNS * ROWS:
            raise ConfigError(
                f"{place}: up to {icons} icons do not fit a screen's {COLUMNS * ROWS} places; lower "
                f"branching or distractors"
            )


def centre(cell: int) -> tuple[int, int]:
    """The middle of a cell of the grid, which the box of an icon there always covers."""
    row, column = divmod(cell, COLUMNS)
    return column * CELL_WIDTH + CELL_WIDTH // 2, TITLE + row * CELL_HEIGHT + CELL_HEIGHT // 2


@lru_cache(maxsize=64)
def app(seed: int, plan: Plan) -> App:
    """The app of a seed."""

    def stream(what: Shift | Literal["graph"]) -> random.Random:
        return random.Random(f"{seed}/{what}{'/shifted' if what == plan.shift else ''}")

    extra = MORE_NOISE if plan.shift == "noise" else 0
    graph = grow(
        stream("graph"),
        screens=plan.screens,
        branching=plan.branching,
        depth=plan.depth,
        links=plan.links,
        distractors=plan.distractors + extra,
        popups=plan.popups,
    )
    noise = sum(target is None for icons in graph.icons for target in icons)
    names = _names(stream("names"), len(graph.icons) + noise)
    looks = _looks(stream("images"), len(graph.icons) + noise)
    if graph.trap is not None:
        names[graph.trap] = POPUP
    layout = stream("layout")
    spare = iter(range(len(graph.icons), len(graph.icons) + noise))
    screens: list[Screen] = []
    for screen, targets in enumerate(graph.icons):
        shown = [next(spare) if target is None else target for target in targets]
        places = _places(layout)
        icons = [
            Icon(looks[which], names[which] if plan.labels else "", cell, box)
            for which, (cell, box) in zip(shown, places, strict=False)
        ]
        screens.append(Screen(names[screen], looks[screen], tuple(icons)))
    return App(graph, tuple(screens))


def _places(rng: random.Random) -> list[tuple[int, Box]]:
    """Every cell, in some order, with a box in it."""
    places: list[tuple[int, Box]] = []
    for cell in rng.sample(range(COLUMNS * ROWS), COLUMNS * ROWS):
        row, column = divmod(cell, COLUMNS)
        left = column * CELL_WIDTH + rng.randint(0, CELL_WIDTH - ICON)
        top = TITLE + row * CELL_HEIGHT + rng.randint(0, CELL_HEIGHT - ICON - LABEL)
        places.append((cell, (left, top, left + ICON, top + ICON + LABEL)))
    return places


def _inside(box: Box, x: int, y: int) -> bool:
    left, top, right, bottom = box
    return left <= x < right and top <= y < bottom


def _names(rng: random.Random, count: int) -> list[str]:
    """Different words that can be said, of five or six letters."""
    found: dict[str, None] = {}
    while len(found) < count:
        syllables = (rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(2))
        found["".join(syllables).capitalize() + rng.choice(("", *"klmnrst")) + rng.choice("aeiou")] = None
    return list(found)


def _looks(rng: random.Random, count: int) -> list[Look]:
    """Different images, while there are any left."""
    every = len(SHAPES) * len(COLOURS) * len(GLYPHS)
    numbers = rng.sample(range(every), every)
    found: list[Look] = []
    for at in range(count):
        rest, glyph = divmod(numbers[at % every], len(GLYPHS))
        shape, colour = divmod(rest, len(COLOURS))
        found.append(Look(shape, colour, GLYPHS[glyph]))
    return found
