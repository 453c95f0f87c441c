"""Tic-tac-toe between two seats; needs no package but for tree search."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.noughts import Noughts
from turnwise.environments.mars.players import Perfect, TreeSearch
from turnwise.environments.mars.spiel import State
from turnwise.environments.parts.picture import Board, Cell

MARKS = "XO"
CELLS = {"x": Cell("X", "#1d4ed8", "#dbeafe"), "o": Cell("O", "#b91c1c", "#fee2e2"), ".": Cell(" ")}


class _Face(Face):
    draw = 0.1

    def rules(self) -> tuple[str, ...]:
        return (
            "The board has three rows and three columns, numbered from 0: (0,0) is the top left cell, (2,2) "
            "the bottom right one.",
            "Two players put their marks, X and O, on empty cells in turn. X begins.",
            "Whoever has three marks in a row, a column or a diagonal first wins.",
            "A full board without such a line is a draw.",
        )

    def about(self, player: int) -> tuple[str, ...]:
        mark, other = MARKS[player], MARKS[1 - player]
        return (
            f"You are player_{player} with the mark {mark}; the other player has {other}.",
            "At each of your moves you see the board in three lines, where '_' is an empty cell.",
            f"The legal actions are listed as `<{mark}(row,column)>`.",
        )

    def example(self, player: int) -> str:
        return f"<{MARKS[player]}(0,0)>"

    def write(self, state: State, player: int, action: int) -> str:
        return f"<{MARKS[player]}({action // 3},{action % 3})>"

    def view(self, state: State, player: int) -> str:
        return str(state).upper().replace(".", "_")

    def key(self, state: State) -> str:
        return str(state).replace("\n", "/")

    def picture(self, state: State) -> Board:
        return Board.of(str(state).split("\n"), CELLS, title=self.title)


FACE = _Face("tic-tac-toe", perfect=True)


class TicTacToe(SeatedGame, kw_only=True, frozen=True):
    """Three in a line. The state is the same in every task; a task differs by its seed alone."""

    capabilities: ClassVar[Capabilities] = Capabilities(known_answer=True, state_key=True, action_ids=True)

    others: Literal["full", "action"] = "full"
    """See `SeatedGame`."""

    def start(self) -> State:
        """An empty board."""
        return Noughts()

    def face(self) -> Face:
        """As MARS tells it."""
        return FACE

    def pays(self) -> tuple[float, float]:
        """Lost or won."""
        return (-1.0, 1.0)

    def longest(self) -> int:
        """Nine cells."""
        return 9

    def players(self) -> dict[str, Any]:
        """`solver`, alias `perfect`, by the table; tree search of 100 and 1000 simulations; `random`."""
        return {
            "solver": Perfect(),
            "perfect": Perfect(),
            "mcts": TreeSearch("tic_tac_toe"),
            "mcts_1000": TreeSearch("tic_tac_toe", 1000),
            "random": RandomLegal(),
        }
