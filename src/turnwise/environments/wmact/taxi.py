"""The taxi problem as text: fetch a passenger and bring them where they want to go.

The map, the six actions and what they do are those of Gymnasium's Taxi-v3 without rain and without fickle
passengers, which follow T. Dietterich, "Hierarchical Reinforcement Learning with the MAXQ Value Function
Decomposition", 2000.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

from turnwise.environments.parts.grid import shortest
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import WorldTask
from turnwise.environments.wmact.base import Puzzle, WMAct

MAP = ("R: | : :G", " : | : : ", " : : : : ", " | : | : ", "Y| : |B: ")
"""Squares of a row with `:` (open) or `|` (a wall) between two of them."""
STOPS = ((0, 0), (0, 4), (4, 0), (4, 3))
"""Row and column of R, G, Y and B."""
NAMES = "RGYB"
ABOARD = 4
SOUTH, NORTH, EAST, WEST, PICKUP, DROPOFF = range(6)

OPEN = Cell(" ", "#94a3b8", "#f8fafc")
WALL = Cell("┃", "#334155", "#f8fafc")
PAPERS = ("#fecaca", "#bbf7d0", "#fef08a", "#bfdbfe")
EMPTY, FULL = "#facc15", "#4ade80"


class Cab(NamedTuple):
    """A state: the taxi's row and column, where the passenger is (a stop, or `ABOARD`), and wants to go."""

    row: int
    column: int
    passenger: int
    goal: int

    @property
    def number(self) -> int:
        """Gymnasium's number of the state, from 0 to 499."""
        return ((self.row * 5 + self.column) * 5 + self.passenger) * 4 + self.goal


class Ride(NamedTuple):
    """What an action led to."""

    cab: Cab
    reward: int
    """Gymnasium's: 20 for the passenger brought, -10 for a pickup or dropoff that cannot be, else -1."""
    arrived: bool = False


@lru_cache(maxsize=4096)
def drive(cab: Cab, action: int) -> Ride:
    """One action."""
    row, column, passenger, goal = cab
    if action == SOUTH:
        return Ride(cab._replace(row=min(row + 1, 4)), -1)
    if action == NORTH:
        return Ride(cab._replace(row=max(row - 1, 0)), -1)
    if action == EAST:
        return Ride(cab._replace(column=column + _open(row, 2 * column + 1)), -1)
    if action == WEST:
        return Ride(cab._replace(column=column - _open(row, 2 * column - 1)), -1)
    stop = STOPS.index((row, column)) if (row, column) in STOPS else None
    if action == PICKUP:
        return Ride(cab, -10) if passenger != stop else Ride(cab._replace(passenger=ABOARD), -1)
    if stop is None or passenger != ABOARD:
        return Ride(cab, -10)
    return Ride(cab._replace(passenger=stop), 20 if stop == goal else -1, stop == goal)


def _open(row: int, place: int) -> bool:
    """Whether there is a way between two squares of a row."""
    return 0 <= place < 9 and MAP[row][place] == ":"


@lru_cache(maxsize=1)
def starts() -> tuple[Cab, ...]:
    """The 300 states to start from, well mixed: the passenger waits at a stop other than the goal."""
    states = [
        Cab(row, column, passenger, goal)
        for row in range(5)
        for column in range(5)
        for passenger in range(4)
        for goal in range(4)
        if passenger != goal
    ]
    random.Random(0).shuffle(states)
    return tuple(states)


def start(seed: int) -> Cab:
    """The start of a seed: one half of the states for seeds below 2**31, the other from there on."""
    states = starts()
    half = len(states) // 2
    return states[seed % half + half * (seed >> 31 & 1)]


class TaxiGame(Puzzle):
    """A taxi on its way; won when the passenger is where they want to be."""

    NAMES: ClassVar[tuple[str, ...]] = ("south", "north", "east", "west", "pickup", "dropoff")
    RULES: ClassVar[str] = (
        "A taxi. Pick up the passenger and drop them off at their goal. south, north, east and west move the "
        "taxi one square down, up, right and left; pickup works where the passenger waits, dropoff at a stop "
        "(R, G, Y or B) with the passenger aboard.\n"
        "Marks: T the taxi, R G Y B the stops, | a wall between two squares, : none."
    )

    def __init__(self, cab: Cab) -> None:
        self.cab = cab
        self.total = 0
        """The rewards of Gymnasium so far."""

    def state(self) -> Cab:
        """The taxi, the passenger and the goal."""
        return self.cab

    def act(self, action: int) -> None:
        """Drive on."""
        self.cab, reward, self.over = drive(self.cab, action)
        self.total += reward

    def key(self) -> str:
        """Gymnasium's number of the state."""
        return str(self.cab.number)

    def text(self) -> str:
        """The map, and where the passenger is and wants to go."""
        row, column, passenger, goal = self.cab
        lines = [
            f"|{line if number != row else line[: 2 * column] + 'T' + line[2 * column + 1 :]}|"
            for number, line in enumerate(MAP)
        ]
        rim = "+---------+"
        where = "in the taxi" if passenger == ABOARD else f"at {NAMES[passenger]}"
        place = f"row {row}, column {column}"
        if (row, column) in STOPS:
            place += f" (stop {NAMES[STOPS.index((row, column))]})"
        said = f"Taxi: {place}. Passenger: {where}. Goal: {NAMES[goal]}."
        return "\n".join((rim, *lines, rim, said))

    def picture(self) -> Board:
        """The map in colours."""
        row, column, passenger, goal = self.cab
        rows = [[WALL if mark == "|" else OPEN for mark in line] for line in MAP]
        for number, (down, right) in enumerate(STOPS):
            mark = "☺" if number == passenger else "⚑" if number == goal else NAMES[number]
            rows[down][2 * right] = Cell(mark, "#1f2937", PAPERS[number])
        rows[row][2 * column] = Cell("T", "#1f2937", FULL if passenger == ABOARD else EMPTY)
        return Board(tuple(tuple(cells) for cells in rows), title=f"Taxi to {NAMES[goal]}")


class Taxi(WMAct, kw_only=True, frozen=True):
    """Bring a passenger where they want to go, several actions a reply."""

    name: ClassVar[str] = "taxi"
    puzzle: ClassVar[type[Puzzle]] = TaxiGame

    def game(self, task: WorldTask) -> TaxiGame:
        """The start of the task's seed."""
        return TaxiGame(start(task.seed))

    def plan(self, task: Any) -> list[int]:
        """The fewest actions."""
        way = shortest(
            start(task.seed),
            lambda cab: [(action, drive(cab, action).cab) for action in range(6)],
            lambda cab: cab.passenger == cab.goal,
        )
        assert way is not None, "every stop can be reached"
        return way
