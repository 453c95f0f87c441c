"""Sokoban, move by move: the player walks, and pushes a box that stands in the way, if there is room."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from turnwise.environments.parts.grid import DIRECTIONS
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.wmact.base import Puzzle
from turnwise.environments.wmact.sokoban.level import (
    BOX,
    FLOOR,
    PLAYER,
    PLAYER_ON_TARGET,
    STORED,
    TARGET,
    Level,
    squares,
)

CELLS = {
    "#": Cell(" ", "#475569", "#475569"),
    "_": Cell(" ", "#94a3b8", "#f1f5f9"),
    "O": Cell("○", "#dc2626", "#f1f5f9"),
    "X": Cell("■", "#78350f", "#fbbf24"),
    "*": Cell("■", "#14532d", "#86efac"),
    "P": Cell("@", "#1d4ed8", "#f1f5f9"),
    "S": Cell("@", "#1d4ed8", "#fecaca"),
}


class SokobanGame(Puzzle):
    """A level in progress; won when every box is on a target."""

    NAMES: ClassVar[tuple[str, ...]] = tuple(name for name, _, _ in DIRECTIONS)
    RULES: ClassVar[str] = (
        "Sokoban. Bring every box onto a target. You move one square up, down, left or right; moving into a "
        "box pushes it one square on, unless a wall or another box is behind it. Boxes cannot be pulled.\n"
        "Marks: # wall, _ floor, O target, X box, * box on a target, P you, S you on a target."
    )

    def __init__(self, level: Level) -> None:
        self.level = level
        self.player = level.player
        self.boxes = level.boxes
        self.over = level.boxes == level.targets

    def state(self) -> tuple[int, int]:
        """The player's square, and the boxes."""
        return self.player, self.boxes

    def act(self, action: int) -> None:
        """Move, and push what is in the way."""
        level = self.level
        step = level.steps[action]
        ahead = self.player + step
        if self.boxes >> ahead & 1:
            beyond = ahead + step
            if not (level.floor & ~self.boxes) >> beyond & 1:
                return
            self.boxes ^= 1 << ahead | 1 << beyond
            self.over = self.boxes == level.targets
        elif not level.floor >> ahead & 1:
            return
        self.player = ahead

    def lines(self) -> list[str]:
        """The room as it is now."""
        return self.text().split("\n")

    def key(self) -> str:
        """The player's square, and the boxes as bits."""
        return f"{self.player}:{self.boxes:x}"

    def text(self) -> str:
        """The room, a line for each row."""
        width, targets, player = self.level.width, self.level.targets, self.player
        marks = list(_empty(self.level))
        # A line break follows each row.
        for box in squares(self.boxes):
            marks[box + box // width] = STORED if targets >> box & 1 else BOX
        marks[player + player // width] = PLAYER_ON_TARGET if targets >> player & 1 else PLAYER
        return "".join(marks)

    def picture(self) -> Board:
        """The room in colours."""
        return Board.of(self.lines(), CELLS, title="Sokoban")


@lru_cache(maxsize=256)
def _empty(level: Level) -> str:
    """The room without player and boxes."""
    lines = level._replace(boxes=0).lines()
    row, column = divmod(level.player, level.width)
    mark = TARGET if level.targets >> level.player & 1 else FLOOR
    lines[row] = lines[row][:column] + mark + lines[row][column + 1 :]
    return "\n".join(lines)
