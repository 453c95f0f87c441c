"""A maze that is seen whole: from the start to the goal, several steps a reply."""

from __future__ import annotations

import random
import zlib
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from turnwise.environments.parts import grid
from turnwise.environments.parts.grid import DIRECTIONS
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import WorldTask
from turnwise.environments.wmact.base import Puzzle, WMAct
from turnwise.errors import ConfigError

CELLS = {
    "#": Cell(" ", "#334155", "#334155"),
    ".": Cell(" ", "#94a3b8", "#f8fafc"),
    "G": Cell("★", "#b45309", "#fef3c7"),
    "P": Cell("@", "#1d4ed8", "#dbeafe"),
}

Square = tuple[int, int]


class Plan(NamedTuple):
    """A maze, and where to go in it; squares are (row, column)."""

    lines: tuple[str, ...]
    start: Square
    goal: Square

    def moves(self, at: Square) -> list[tuple[int, Square]]:
        """The steps that can be taken from a square, and where they lead."""
        row, column = at
        return [
            (number, (row + down, column + right))
            for number, (_, down, right) in enumerate(DIRECTIONS)
            if self.lines[row + down][column + right] != "#"
        ]


@lru_cache(maxsize=4096)
def generate(rooms: int, loops: float, seed: int) -> Plan:
    """The maze of a seed: start and goal are two rooms, at least `rooms` rooms apart on foot.

    No maze of a seed below 2**31 is the maze of one from there on.
    """
    rng = random.Random(seed)
    half = seed >> 31 & 1
    while True:
        lines = tuple(grid.maze(rooms, rng, loops=loops))
        start = (2 * rng.randrange(rooms) + 1, 2 * rng.randrange(rooms) + 1)
        far = grid.distances(start, Plan(lines, start, start).moves)
        goals = [at for at, steps in far.items() if at[0] % 2 and at[1] % 2 and steps >= 2 * rooms]
        if not goals:
            continue
        plan = Plan(lines, start, rng.choice(goals))
        if zlib.crc32(repr(plan).encode()) & 1 == half:
            return plan


class MazeGame(Puzzle):
    """A walk in a maze; won at the goal."""

    NAMES: ClassVar[tuple[str, ...]] = tuple(name for name, _, _ in DIRECTIONS)
    RULES: ClassVar[str] = (
        "A maze. Find the way to the goal. You move one square up, down, left or right; a wall stops you.\n"
        "Marks: # wall, . open, G the goal, P you."
    )

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.at = plan.start

    def state(self) -> Square:
        """Where the player is."""
        return self.at

    def act(self, action: int) -> None:
        """A step, unless there is a wall."""
        _, down, right = DIRECTIONS[action]
        row, column = self.at[0] + down, self.at[1] + right
        if self.plan.lines[row][column] != "#":
            self.at = (row, column)
            self.over = self.at == self.plan.goal

    def lines(self) -> list[str]:
        """The maze with its goal and the player."""
        lines = list(self.plan.lines)
        for (row, column), mark in ((self.plan.goal, "G"), (self.at, "P")):
            lines[row] = lines[row][:column] + mark + lines[row][column + 1 :]
        return lines

    def key(self) -> str:
        """Row and column."""
        return f"{self.at[0]},{self.at[1]}"

    def text(self) -> str:
        """The maze, a line for each row."""
        return "\n".join(self.lines())

    def picture(self) -> Board:
        """The maze in colours."""
        return Board.of(self.lines(), CELLS, title="Maze")


class Maze(WMAct, kw_only=True, frozen=True):
    """Find the way through a maze, several steps a reply."""

    name: ClassVar[str] = "wmact_maze"
    puzzle: ClassVar[type[Puzzle]] = MazeGame

    rooms: int = 5
    """Rooms a side; a room, a wall and a door between rooms are one square each."""
    loops: float = 0.0
    """Share of the walls between rooms that are opened besides; without any, there is one way only."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (2 <= self.rooms <= 30 and 0 <= self.loops <= 0.5):
            raise ConfigError(f"{self.name}: expected rooms 2-30, loops 0-0.5, got {self.settings()}")

    def game(self, task: WorldTask) -> MazeGame:
        """The maze of the task's seed."""
        return MazeGame(generate(self.rooms, self.loops, task.seed))

    def plan(self, task: Any) -> list[int]:
        """The shortest way."""
        plan = generate(self.rooms, self.loops, task.seed)
        way = grid.shortest(plan.start, plan.moves, plan.goal.__eq__)
        assert way is not None, "all rooms hang together"
        return way
