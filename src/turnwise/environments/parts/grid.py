"""Grids: mazes, and shortest ways through anything that has states and moves."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

State = TypeVar("State", bound=Hashable)
Move = TypeVar("Move")

DIRECTIONS: tuple[tuple[str, int, int], ...] = (
    ("up", -1, 0),
    ("down", 1, 0),
    ("left", 0, -1),
    ("right", 0, 1),
)
"""Name, change of row, change of column; the place in the list is the action's id in worlds on grids."""


def shortest(
    start: State,
    moves: Callable[[State], Iterable[tuple[Move, State]]],
    done: Callable[[State], bool],
) -> list[Move] | None:
    """The fewest moves from `start` to a state that is `done`, by breadth-first search.

    Where several ways are equally short, it is the one whose moves come first.

    Args:
        start: Where to begin.
        moves: What can be done in a state, and which state follows.
        done: Whether a state is a goal.

    Returns:
        The moves, or None where no goal can be reached.
    """
    before: dict[State, tuple[State, Move] | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if done(state):
            way: list[Move] = []
            while (step := before[state]) is not None:
                state, move = step
                way.append(move)
            return way[::-1]
        for move, following in moves(state):
            if following not in before:
                before[following] = (state, move)
                queue.append(following)
    return None


def distances(start: State, moves: Callable[[State], Iterable[tuple[Any, State]]]) -> dict[State, int]:
    """Fewest moves from `start` to every state that can be reached, nearest first."""
    far = {start: 0}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for _, following in moves(state):
            if following not in far:
                far[following] = far[state] + 1
                queue.append(following)
    return far


def maze(rooms: int, rng: random.Random, *, loops: float = 0.0) -> list[str]:
    """A maze of `rooms` by `rooms` rooms, as lines of `#` (wall) and `.` (open), `2 * rooms + 1` each way.

    A random walk that backtracks joins the rooms to a tree, so that one way leads from anywhere to anywhere.

    Args:
        rooms: Rooms a side, each one square; a door is a square, too.
        rng: What it draws from.
        loops: Share of the walls between neighbouring rooms that are opened besides, from 0 to 1.
    """
    side = 2 * rooms + 1
    lines = [["#"] * side for _ in range(side)]
    row, column = 2 * rng.randrange(rooms) + 1, 2 * rng.randrange(rooms) + 1
    lines[row][column] = "."
    trail = [(row, column)]
    while trail:
        row, column = trail[-1]
        beyond = [
            (down, right)
            for _, down, right in DIRECTIONS
            if 0 < row + 2 * down < side
            and 0 < column + 2 * right < side
            and lines[row + 2 * down][column + 2 * right] == "#"
        ]
        if not beyond:
            trail.pop()
            continue
        down, right = rng.choice(beyond)
        lines[row + down][column + right] = lines[row + 2 * down][column + 2 * right] = "."
        trail.append((row + 2 * down, column + 2 * right))
    if loops:
        for row in range(1, side - 1):
            # Doors lie between two rooms: one of their coordinates is odd.
            for column in range(1 + row % 2, side - 1, 2):
                if lines[row][column] == "#" and rng.random() < loops:
                    lines[row][column] = "."
    return ["".join(line) for line in lines]
