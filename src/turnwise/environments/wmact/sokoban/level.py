"""A Sokoban level as bitboards: the squares of a room are the bits of whole numbers, row after row.

A wall runs round every room, so a shift by one square never leads from one row into the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

WALL, FLOOR, TARGET, BOX, STORED, PLAYER, PLAYER_ON_TARGET = "#_OX*PS"


class Level(NamedTuple):
    """A room and how things stand in it. Squares are numbered row by row; sets of squares are bits."""

    width: int
    height: int
    floor: int
    """Squares that are no wall."""
    targets: int
    boxes: int
    player: int
    """The number of the player's square."""

    @property
    def steps(self) -> tuple[int, int, int, int]:
        """What up, down, left and right add to the number of a square."""
        return (-self.width, self.width, -1, 1)

    def lines(self) -> list[str]:
        """The room as text, a line for each row."""
        marks = [WALL] * (self.width * self.height)
        for square in squares(self.floor):
            marks[square] = FLOOR
        for square in squares(self.targets):
            marks[square] = TARGET
        for square in squares(self.boxes):
            marks[square] = STORED if self.targets >> square & 1 else BOX
        marks[self.player] = PLAYER_ON_TARGET if self.targets >> self.player & 1 else PLAYER
        text = "".join(marks)
        return [text[start : start + self.width] for start in range(0, len(text), self.width)]


def read_level(lines: Sequence[str]) -> Level:
    """The level that `Level.lines` tells of.

    Raises:
        ValueError: not a room with a wall all round, one player, and as many boxes as targets.
    """
    width = len(lines[0]) if lines else 0
    text = "".join(lines)
    if not width or any(len(line) != width for line in lines):
        raise ValueError("a Sokoban level needs lines of one length")
    rim = lines[0] + lines[-1] + "".join(line[0] + line[-1] for line in lines)
    if set(rim) != {WALL} or set(text) - set("#_OX*PS"):
        raise ValueError("a Sokoban level needs a wall all round, and no marks but #_OX*PS")
    if sum(text.count(mark) for mark in "PS") != 1 or sum(text.count(m) for m in "OS") != text.count("X"):
        raise ValueError("a Sokoban level needs one player, and as many boxes as targets")
    player = next(place for place, mark in enumerate(text) if mark in "PS")
    return Level(
        width=width,
        height=len(lines),
        floor=board(place for place, mark in enumerate(text) if mark != WALL),
        targets=board(place for place, mark in enumerate(text) if mark in "O*S"),
        boxes=board(place for place, mark in enumerate(text) if mark in "X*"),
        player=player,
    )


def board(places: Iterable[int]) -> int:
    """A set of squares as bits."""
    bits = 0
    for place in places:
        bits |= 1 << place
    return bits


def squares(bits: int) -> Iterator[int]:
    """The squares of a set, in order."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def shifted(bits: int, step: int) -> int:
    """The set, `step` squares further."""
    return bits << step if step > 0 else bits >> -step


def reach(player: int, free: int, width: int) -> int:
    """The squares a player can walk to from the set `player`, over the set `free`."""
    reached = 0
    grown = player
    while grown != reached:
        reached = grown
        grown |= (grown << 1 | grown >> 1 | grown << width | grown >> width) & free
    return reached
