"""Connect Four between two seats."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.players import TreeSearch
from turnwise.environments.mars.spiel import State, load
from turnwise.environments.parts.picture import Board, Cell

GAME = "connect_four"
MARKS = "XO"
CELLS = {
    "x": Cell("●", "#dc2626", "#1e3a8a"),
    "o": Cell("●", "#facc15", "#1e3a8a"),
    ".": Cell("●", "#dbeafe", "#1e3a8a"),
}


class _Face(Face):
    draw = 0.1

    def rules(self) -> tuple[str, ...]:
        return (
            "The board stands upright: six rows and seven columns, numbered 0 to 6 from the left.",
            "Two players, X and O, drop pieces into columns in turn; each falls on those below. X begins.",
            "Whoever has four pieces in a row, a column or a diagonal first wins.",
            "A full board without such a line is a draw.",
        )

    def about(self, player: int) -> tuple[str, ...]:
        mark, other = MARKS[player], MARKS[1 - player]
        return (
            f"You are player_{player} with the mark {mark}; the other player has {other}.",
            "At each of your moves you see the board in six lines, where '_' is an empty cell.",
            f"The legal actions are listed as `<{mark}(column)>`.",
        )

    def example(self, player: int) -> str:
        return f"<{MARKS[player]}(3)>"

    def write(self, state: State, player: int, action: int) -> str:
        return f"<{MARKS[player]}({action})>"

    def view(self, state: State, player: int) -> str:
        return str(state).strip().upper().replace(".", "_")

    def key(self, state: State) -> str:
        return str(state).strip().replace("\n", "/")

    def picture(self, state: State) -> Board:
        return Board.of(str(state).split(), CELLS, title=self.title, caption="X red, O yellow")


FACE = _Face("Connect Four", perfect=True)


class ConnectFour(SeatedGame, kw_only=True, frozen=True):
    """Four in a line. The state is the same in every task; a task differs by its seed alone."""

    capabilities: ClassVar[Capabilities] = Capabilities(state_key=True, action_ids=True)

    others: Literal["full", "action"] = "full"
    """See `SeatedGame`."""

    def start(self) -> State:
        """An empty board."""
        return load(GAME).new_initial_state()

    def face(self) -> Face:
        """As MARS tells it."""
        return FACE

    def pays(self) -> tuple[float, float]:
        """Lost or won."""
        return (-1.0, 1.0)

    def longest(self) -> int:
        """42 cells."""
        return 42

    def players(self) -> dict[str, Any]:
        """`mcts`, tree search of 100 simulations; `solver` searches more and proves what it can; `random`."""
        return {
            "mcts": TreeSearch(GAME),
            "solver": TreeSearch(GAME, 3000, rollouts=1, solve=True),
            "random": RandomLegal(),
        }

    def rivals(self) -> dict[str, Any]:
        """`mcts_1000`, 0.1 s a move."""
        return {"mcts_1000": TreeSearch(GAME, 1000)}
