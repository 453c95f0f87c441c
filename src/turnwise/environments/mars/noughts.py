"""Tic-tac-toe as a plain object with the methods of an OpenSpiel state, and its perfect table.

OpenSpiel's own plays the same game under the same action ids; this one needs no package.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
EMPTY = "." * 9


class Noughts:
    """A game in progress. Cell `3 * row + column` is also the id of marking it; `x` begins."""

    __slots__ = ("_history", "_winner", "board")

    def __init__(self, history: Sequence[int] = ()) -> None:
        self.board = EMPTY
        self._history: list[int] = []
        self._winner: int | None = None
        for action in history:
            self.apply_action(action)

    def current_player(self) -> int:
        """0 is `x`, 1 is `o`; -4 when it is over."""
        return -4 if self.is_terminal() else len(self._history) % 2

    def is_terminal(self) -> bool:
        """Whether somebody has a line, or the board is full."""
        return self._winner is not None or len(self._history) == 9

    def is_chance_node(self) -> bool:
        """Never."""
        return False

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """None."""
        return []

    def legal_actions(self) -> list[int]:
        """Empty cells."""
        return [] if self.is_terminal() else [cell for cell in range(9) if self.board[cell] == "."]

    def apply_action(self, action: int) -> None:
        """Mark a cell, which must be empty."""
        mark = "xo"[len(self._history) % 2]
        self.board = f"{self.board[:action]}{mark}{self.board[action + 1 :]}"
        if lined(self.board, mark):
            self._winner = len(self._history) % 2
        self._history.append(action)

    def returns(self) -> list[float]:
        """1 for the winner, -1 for the loser."""
        if self._winner is None:
            return [0.0, 0.0]
        return [1.0, -1.0] if self._winner == 0 else [-1.0, 1.0]

    def history(self) -> list[int]:
        """All moves."""
        return list(self._history)

    def information_state_string(self, player: int) -> str:
        """All moves."""
        return ", ".join(map(str, self._history))

    def observation_string(self, player: int) -> str:
        """The board."""
        return str(self)

    def action_to_string(self, player: int, action: int) -> str:
        """As OpenSpiel writes it."""
        return f"{'xo'[player]}({action // 3},{action % 3})"

    def __str__(self) -> str:
        return f"{self.board[:3]}\n{self.board[3:6]}\n{self.board[6:]}"


def lined(board: str, mark: str) -> bool:
    """Whether `mark` has three in a line."""
    return any(board[a] == board[b] == board[c] == mark for a, b, c in LINES)


@cache
def value(board: str) -> int:
    """What perfect play of both brings `x` from a board of nine cells: 1, 0 or -1."""
    if lined(board, "x"):
        return 1
    if lined(board, "o"):
        return -1
    values = [value(after) for _, after in moves(board)]
    if not values:
        return 0
    return max(values) if to_move(board) == "x" else min(values)


def best(board: str) -> list[int]:
    """The moves that keep the value of `board`."""
    return [cell for cell, after in moves(board) if value(after) == value(board)]


def moves(board: str) -> list[tuple[int, str]]:
    """Each empty cell, and the board after it is marked."""
    mark = to_move(board)
    return [(cell, f"{board[:cell]}{mark}{board[cell + 1 :]}") for cell in range(9) if board[cell] == "."]


def to_move(board: str) -> str:
    """Whose move it is: `x` has as many marks as `o`, or one more."""
    return "x" if board.count("x") == board.count("o") else "o"
