"""Navigation graphs: which screen each icon opens, and where back and home lead. No looks, no words.

A graph is a tree of screens under the home screen, with links across it. Moves are numbers: an icon by its
place on the screen, or `BACK` (one level up the tree; the trap's leads home) or `HOME`.
"""

from __future__ import annotations

import random
from collections import deque
from functools import lru_cache
from typing import NamedTuple

START = 0
"""The home screen."""
BACK, HOME = -1, -2


class Graph(NamedTuple):
    """Screens `0 … len(icons) - 1`, linked."""

    parents: tuple[int, ...]
    """Where back leads, by screen; at home, home."""
    icons: tuple[tuple[int | None, ...], ...]
    """What each icon of each screen opens; None for one that opens nothing."""
    trap: int | None = None
    """The screen that pop-ups lead to, if there are any."""

    def after(self, screen: int, move: int) -> int:
        """The screen that a move leads to."""
        if move == BACK:
            return self.parents[screen]
        if move == HOME:
            return START
        target = self.icons[screen][move]
        return screen if target is None else target

    def moves(self, screen: int) -> tuple[int, ...]:
        """Everything that can be done on a screen: its icons, back, home."""
        return (*range(len(self.icons[screen])), BACK, HOME)

    def best(self, screen: int, goal: int) -> tuple[int, ...]:
        """The moves that begin a shortest way to `goal`; none where it is reached."""
        far = distances(self, goal)
        if screen == goal:
            return ()
        return tuple(move for move in self.moves(screen) if far[self.after(screen, move)] == far[screen] - 1)


@lru_cache(maxsize=1024)
def distances(graph: Graph, goal: int) -> tuple[int, ...]:
    """Fewest moves from each screen to `goal`, by breadth-first search over the reversed graph."""
    before: list[list[int]] = [[] for _ in graph.icons]
    for screen in range(len(graph.icons)):
        for move in graph.moves(screen):
            before[graph.after(screen, move)].append(screen)
    far = [-1] * len(graph.icons)
    far[goal] = 0
    queue = deque([goal])
    while queue:
        at = queue.popleft()
        for screen in before[at]:
            if far[screen] < 0:
                far[screen] = far[at] + 1
                queue.append(screen)
    return tuple(far)


def capacity(branching: int, depth: int) -> int:
    """The most screens of a tree."""
    return sum(branching**level for level in range(depth + 1))


def grow(
    rng: random.Random, *, screens: int, branching: int, depth: int, links: int, distractors: int, popups: int
) -> Graph:
    """Draw a graph.

    Args:
        rng: Where chance comes from. Distractors take none, so that graphs of one seed with more of them are
            otherwise the same; they stand last on their screens.
        screens: How many there are, the trap not counted; at most `capacity(branching, depth)`.
        branching: Most screens directly under one.
        depth: Levels under home.
        links: Icons that lead across the tree.
        distractors: Icons on each screen that open nothing.
        popups: Screens that carry an icon to the trap.
    """
    parents, levels = [START], [0]
    children: list[list[int | None]] = [[]]
    for screen in range(1, screens):
        free = [at for at in range(screen) if levels[at] < depth and len(children[at]) < branching]
        parent = rng.choice(free)
        parents.append(parent)
        levels.append(levels[parent] + 1)
        children[parent].append(screen)
        children.append([])
    for _ in range(links):
        start = rng.randrange(screens)
        taken = {START, start, *children[start]}
        targets = [screen for screen in range(screens) if screen not in taken]
        if targets and len(children[start]) < branching + 2:
            children[start].append(rng.choice(targets))
    trap = None
    if popups:
        trap = screens
        for screen in rng.sample(range(screens), min(popups, screens)):
            children[screen].append(trap)
        parents.append(START)
        children.append([])
    for screen in range(screens):
        children[screen].extend([None] * distractors)
    return Graph(tuple(parents), tuple(tuple(icons) for icons in children), trap)
