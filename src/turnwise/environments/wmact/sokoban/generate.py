"""Sokoban levels from a seed, each solvable: played backwards from its solution, and then solved.

A random walk hollows out a room; boxes start on their targets and are pulled away from them, at random, and
the level is the position seen on the way that needs the most pushes by the solver's bound. Every pull undoes
a push, so the pulls, read backwards, are a solution; the solver still has to find one. The idea is that of
the rooms of "Imagination-Augmented Agents for Deep Reinforcement Learning" (Racanière et al. 2017,
arXiv:1707.06203).
"""

from __future__ import annotations

import random
import zlib
from functools import lru_cache
from typing import NamedTuple

from turnwise.environments.wmact.sokoban.level import Level, board, reach, shifted, squares
from turnwise.environments.wmact.sokoban.solve import FAR, Bound, solve_pushes


class Kind(NamedTuple):
    """What levels are like."""

    size: int
    """Squares a side, the wall included."""
    boxes: int
    pushes: int
    """At least so many are needed."""


KINDS = {
    "tiny": Kind(5, 1, 1),
    "standard": Kind(7, 2, 4),
    "hard_1": Kind(10, 2, 8),
    "hard_2": Kind(7, 3, 6),
}
"""The paper's three, and one for models of a few thousand weights."""


@lru_cache(maxsize=4096)
def generate(kind: Kind, seed: int) -> Level:
    """The level of a seed. No level of a seed below 2**31 is the level of one from there on."""
    rng = random.Random(seed)
    half = seed >> 31 & 1
    while True:
        level = _attempt(kind, rng)
        if level is None or zlib.crc32("".join(level.lines()).encode()) & 1 != half:
            continue
        if solve_pushes(level) is not None:
            return level


def _attempt(kind: Kind, rng: random.Random) -> Level | None:
    """A level, if the room is large enough and the boxes get far enough."""
    floor = _hollow(kind.size, rng)
    ground = list(squares(floor))
    # Room for boxes, targets and the player, and for a way round.
    if len(ground) < 2 * kind.boxes + 4:
        return None
    targets = board(rng.sample(ground, kind.boxes))
    player = rng.choice([square for square in ground if not targets >> square & 1])
    start = Level(kind.size, kind.size, floor, targets, targets, player)
    return _scramble(start, kind, rng)


def _hollow(size: int, rng: random.Random) -> int:
    """Squares that a random walk opened, two at a time; they hang together."""
    inside = board(row * size + column for row in range(1, size - 1) for column in range(1, size - 1))
    steps = (-size, size, -1, 1)
    at = rng.choice(list(squares(inside)))
    step = rng.choice(steps)
    floor = 1 << at
    for _ in range(5 * size):
        if rng.random() < 0.4:
            step = rng.choice(steps)
        if inside >> (at + step) & 1:
            at += step
        floor |= 1 << at | (1 << (at + rng.choice(steps)) & inside)
    return floor


def _scramble(solved: Level, kind: Kind, rng: random.Random) -> Level | None:
    """Pull boxes at random; the position farthest from the solution, if it is far enough."""
    bound = Bound(solved)
    width, floor, steps, boxes = solved.width, solved.floor, solved.steps, solved.boxes
    room = reach(1 << solved.player, floor & ~boxes, width)
    farthest, best = kind.pushes - 1, None
    for _ in range(20 * kind.boxes):
        free = floor & ~boxes
        pulls = [
            (box, step)
            for step in steps
            # The player stands next to the box and steps back; the box follows.
            for box in squares(boxes & shifted(room, -step) & shifted(free, -2 * step))
        ]
        if not pulls:
            break
        box, step = rng.choice(pulls)
        boxes ^= 1 << box | 1 << (box + step)
        room = reach(1 << (box + 2 * step), floor & ~boxes, width)
        if not boxes & solved.targets and farthest < (far := bound(boxes)) < FAR:
            farthest, best = far, (boxes, room)
    if best is None:
        return None
    return solved._replace(boxes=best[0], player=rng.choice(list(squares(best[1]))))
