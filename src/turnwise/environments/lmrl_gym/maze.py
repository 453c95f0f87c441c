"""LMRL-Gym's maze: two T's on a stem, one goal, and a start anywhere else; every move costs 1.

The official text game (`maze/env` of the benchmark) move by move: four exact replies, 4 lost for anything
else, nothing lost for the move that reaches the goal, and a 101st reply that fails whatever it says.
Fully observed, the player reads where it and the goal are; partially observed, only which sides are walls.
The benchmark shows its models the last text (fully observed) or the last 40 (partially observed): a context
window of the agent does the same here.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from turnwise.action import Menu
from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.lmrl_gym.normalised import SCALES, Scale
from turnwise.environments.lmrl_gym.players import Mixed, Player, replies, skilled
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World, WorldEnvironment, WorldTask
from turnwise.errors import ConfigError
from turnwise.message import Message

Place: TypeAlias = tuple[int, int]
"""Row from the top, column from the left."""

PLAN = (
    "#############",
    "#.....#.....#",
    "###.#####.###",
    "###.#####.###",
    "###.#####.###",
    "###.......###",
    "######.######",
    "######.######",
    "######.######",
    "#############",
)
GOAL: Place = (8, 6)
MOVES: dict[str, Place] = {
    "move left": (0, -1),
    "move right": (0, 1),
    "move up": (-1, 0),
    "move down": (1, 0),
}
FREE = tuple((row, col) for row, line in enumerate(PLAN) for col, mark in enumerate(line) if mark == ".")
STARTS = tuple(place for place in FREE if place != GOAL)
"""The 25 cells an episode can begin in, row by row."""

Observed: TypeAlias = Literal["fully", "partially"]
_SIDES = {"to your right": (0, 1), "to your left": (0, -1), "above you": (-1, 0), "below you": (1, 0)}
_RULES = (
    "You are in a maze and look for its goal. Each turn, reply with exactly one of: move up, move down, "
    "move left, move right. Rows are numbered from the top and columns from the left, so that up is one row "
    "less. Moving into a wall leaves you where you are. Every move costs 1 point, a reply that is not one of "
    "the four costs 4, and the move that reaches the goal costs nothing."
)
_CELLS = {
    "#": Cell(" ", "#334155", "#334155"),
    ".": Cell(" "),
    "G": Cell("★", "#14532d", "#86efac"),
    "@": Cell("●", "#1d4ed8", "#dbeafe"),
    "!": Cell("●", "#14532d", "#86efac"),
}


def moved(place: Place, move: str) -> Place:
    """Where a move leads from `place`: the next cell, or nowhere in front of a wall."""
    down, right = MOVES[move]
    row, col = place[0] + down, place[1] + right
    return (row, col) if PLAN[row][col] == "." else place


def describe(place: Place, observed: Observed) -> str:
    """The official observation at `place`, with its line end."""
    walls = [side for side, (down, right) in _SIDES.items() if PLAN[place[0] + down][place[1] + right] == "#"]
    if not walls:
        seen = "There are no walls near you.\n"
    elif len(walls) == 1:
        seen = f"There is a wall {walls[0]}.\n"
    else:
        seen = f"There are walls {', '.join(walls)}.\n"
    if observed == "partially":
        return seen
    here, goal = (", ".join(" ".join(str(number)) for number in at) for at in (place, GOAL))
    return f"The goal is at position {goal}. Your current position is at position {here}. {seen}"


def distances() -> dict[Place, int]:
    """Moves from each cell to the goal, by breadth-first search."""
    found, queue = {GOAL: 0}, deque([GOAL])
    while queue:
        place = queue.popleft()
        for move in MOVES:
            # A corridor leads back the way it came, so searching from the goal is enough.
            if (after := moved(place, move)) not in found:
                found[after] = found[place] + 1
                queue.append(after)
    return found


DISTANCES = distances()
_TEXTS: dict[Observed, dict[Place, str]] = {
    "fully": {place: describe(place, "fully") for place in FREE},
    "partially": {place: describe(place, "partially") for place in FREE},
}
_MENU = Menu.of(list(MOVES))


class MazeWorld(World):
    """A place in the maze and the moves made so far."""

    def __init__(self, start: Place, observed: Observed, max_steps: int, rules: bool) -> None:
        self.place = start
        self.taken = 0
        self.max_steps = max_steps
        self._texts = _TEXTS[observed]
        self._says = f"{_RULES}\n\n{self._texts[start]}" if rules else self._texts[start]

    def observe(self) -> str:
        """Rules at first, then the official observation."""
        return self._says

    def actions(self) -> Menu:
        """The four moves."""
        return _MENU

    def key(self) -> str:
        """The place. The clock is left out but for the last reply, which ends the episode anyhow."""
        last = " last" if self.taken >= self.max_steps else ""
        return f"{self.place[0]},{self.place[1]}{last}"

    def step(self, reply: str) -> Step:
        """Make a move. One line end after it is allowed, nothing else is."""
        move = reply.removesuffix("\n")
        legal = move in MOVES
        if self.taken >= self.max_steps:
            self.over, self.outcome = True, "failure"
            return Step((Gain(-1.0),), valid=legal)
        self.taken += 1
        if legal:
            self.place = moved(self.place, move)
        if self.place == GOAL:
            self.over, self.outcome = True, "success"
            return Step((Gain(0.0),))
        self._says = self._texts[self.place]
        return Step((Gain(-1.0 if legal else -4.0),), valid=legal)

    def closing(self) -> str | None:
        """The official last word."""
        return None if self.outcome is None else f"{self.outcome.capitalize()}\n"

    def metrics(self) -> dict[str, float]:
        """Whether the goal was reached, and in how many moves."""
        return {"success": float(self.place == GOAL), "moves": self.taken}

    def picture(self) -> Board:
        """The maze from above."""
        rows = [list(line) for line in PLAN]
        rows[GOAL[0]][GOAL[1]] = "G"
        rows[self.place[0]][self.place[1]] = "!" if self.place == GOAL else "@"
        return Board.of(map("".join, rows), _CELLS, caption=f"{self.taken} moves")


class Maze(WorldEnvironment, kw_only=True, frozen=True):
    """Find the goal of a fixed maze from a text that says where you are, or only where walls are.

    A task's seed counts the 25 starts round: any 25 seeds in a row are every start once.
    """

    name: ClassVar[str] = "maze"
    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    count: int = len(STARTS)
    observed: Observed = "fully"
    max_steps: int = 100
    """The reply after this many fails."""
    rules: bool = True
    """Whether the first message tells the rules; without them, the published texts alone."""

    def __post_init__(self) -> None:
        if self.max_steps < 1:
            raise ConfigError(f"maze: expected max_steps >= 1, got {self.max_steps}")

    @property
    def spoilers(self) -> bool:
        """Pictures show the place, which a partly observed maze hides."""
        return self.observed == "partially"

    @property
    def reward_range(self) -> tuple[float, float]:
        """From nothing but junk to a goal next door."""
        return (-4.0 * self.max_steps - 1, 0.0)

    @property
    def max_replies(self) -> int:
        """One more than `max_steps`: the one that fails."""
        return self.max_steps + 1

    @property
    def scale(self) -> Scale:
        """What mean scores are normalised by."""
        return SCALES[f"maze_{self.observed}_observed"]

    def world(self, task: WorldTask, rng: random.Random | None = None) -> MazeWorld:
        """The maze with the task's start."""
        return MazeWorld(STARTS[task.seed % len(STARTS)], self.observed, self.max_steps, self.rules)

    def agents(self) -> dict[str, Any]:
        """`solver` walks the shortest way; `skill10` to `skill75` do so in that percentage of moves.

        `random` walks about. `mixed` is the data set: one episode in 28 is the solver's, the others are
        random, which gives the published average of -83 (exactly: -83.07).
        """

        def recall(task: WorldTask, messages: Sequence[Message]) -> Place:
            world = self.world(task)
            for reply in replies(messages):
                world.step(reply)
            return world.place

        grades = {
            f"skill{percent}": Player(f"skill{percent}", recall, skilled(percent / 100, _best, _any))
            for percent in (10, 25, 50, 75)
        }
        solver, blind = Player("solver", recall, _best), RandomLegal()
        mixed = Mixed("mixed", [(27, blind), (1, solver)])
        return {"solver": solver, **grades, "random": blind, "mixed": mixed}


def _best(place: Place, rng: random.Random) -> str:
    return min(MOVES, key=lambda move: DISTANCES[moved(place, move)])


def _any(place: Place, rng: random.Random) -> str:
    return rng.choice(list(MOVES))
