"""Perfect play with king and queen, or king and rook, against a lone king, by retrograde analysis.

The method is Thompson's ("Retrograde analysis of certain endgames", ICCA Journal 1986): from the mates
backwards, move by move, until nothing new is lost. Distances are full moves to mate: at most 10 with the
queen and 16 with the rook. A table takes well under a second to make, once a process.

States are numbered `(white king * 64 + piece) * 64 + black king`, squares from a1 = 0 to h8 = 63.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ORTHOGONAL = ((1, 0), (-1, 0), (0, 1), (0, -1))
DIAGONAL = ((1, 1), (1, -1), (-1, 1), (-1, -1))
ALL = ORTHOGONAL + DIAGONAL
SQUARES = np.arange(64)
UNKNOWN = 127

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Table:
    """Moves to mate with one kind of piece.

    Attributes:
        black: For each state with Black to move, White's moves to mate; `UNKNOWN` where there is no mate or
            the state is illegal. Shape [64 * 64 * 64], int8.
    """

    def __init__(self, piece: Literal["Q", "R"]) -> None:
        self._rays = ALL if piece == "Q" else ORTHOGONAL
        self._attacked = self._attacks()
        self.black: NDArray[np.int8] = np.full(64**3, UNKNOWN, np.int8)
        self._solve()

    def mate_in(self, king: int, piece: int, black: int) -> int | None:
        """White's moves to mate where Black is to move, or None where there is no forced mate."""
        moves = int(self.black[(king * 64 + piece) * 64 + black])
        return None if moves == UNKNOWN else moves

    def _attacks(self) -> Flags:
        """Whether the piece attacks a square past the white king: [king, piece, square].

        The black king does not stand in the way: it cannot flee along the line of its check.
        """
        attacked = np.zeros((64, 64, 64), np.bool_)
        for piece in range(64):
            for across, up in self._rays:
                behind = np.zeros(64, np.bool_)  # by king: whether it stands between
                square = _step(piece, across, up)
                while square is not None:
                    attacked[~behind, piece, square] = True
                    behind[square] = True
                    attacked[square, piece, square] = False
                    square = _step(square, across, up)
        return attacked

    def _solve(self) -> None:
        legal, escapes = self._positions()
        white_won = np.zeros(64**3, np.bool_)
        lost = np.flatnonzero(legal & (escapes == 0) & self._in_check())
        moves = 0
        while lost.size:
            self.black[lost] = moves
            moves += 1
            won = self._white_before(lost)
            won = np.unique(won[~white_won[won]])
            white_won[won] = True
            before = self._black_before(won)
            np.subtract.at(escapes, before, 1)
            lost = np.unique(before)
            lost = lost[(escapes[lost] == 0) & legal[lost] & (self.black[lost] == UNKNOWN)]

    def _in_check(self) -> Flags:
        return self._attacked.reshape(-1)

    def _positions(self) -> tuple[Flags, NDArray[np.int64]]:
        """Which states are legal with Black to move, and how many moves Black has in each.

        Taking the piece is a move that is never lost.
        """
        king, piece, black = _squares(np.arange(64**3))
        legal = (king != piece) & (king != black) & (piece != black) & ~_near(king, black)
        escapes = np.zeros(64**3, np.int64)
        for across, up in ALL:
            there, target = _shift(black, across, up)
            free = ~_near(king, target) & (target != king)
            open_ = (target == piece) | ~self._attacked[king, piece, target]
            escapes += there & free & open_
        return legal, escapes

    def _white_before(self, states: Indices) -> Indices:
        """The legal states, White to move, from which a white move leads to one of `states`."""
        king, piece, black = _squares(states)
        found: list[Indices] = []
        for across, up in ALL:
            there, before = _shift(king, across, up)
            ok = there & (before != piece) & (before != black) & ~_near(before, black)
            # Black may not be in check with White to move.
            ok &= ~self._attacked[before, piece, black]
            found.append(_number(before, piece, black)[ok])
        for across, up in self._rays:
            before, ok = piece, np.ones(len(states), np.bool_)
            for _ in range(7):
                there, before = _shift(before, across, up)
                ok = ok & there & (before != king) & (before != black)
                if not ok.any():
                    break
                found.append(_number(king, before, black)[ok & ~self._attacked[king, before, black]])
        return np.concatenate(found)

    def _black_before(self, states: Indices) -> Indices:
        """The states, Black to move, from which a black move leads to one of `states`, one for each move."""
        king, piece, black = _squares(states)
        found: list[Indices] = []
        for across, up in ALL:
            there, before = _shift(black, across, up)
            ok = there & (before != king) & (before != piece) & ~_near(before, king)
            found.append(_number(king, piece, before)[ok])
        return np.concatenate(found)


@cache
def table(piece: Literal["Q", "R"]) -> Table:
    """The table of a piece, made at the first call."""
    return Table(piece)


def _step(square: int, across: int, up: int) -> int | None:
    file, rank = square % 8 + across, square // 8 + up
    return rank * 8 + file if 0 <= file < 8 and 0 <= rank < 8 else None


def _shift(squares: Indices, across: int, up: int) -> tuple[Flags, Indices]:
    """Whether the neighbour is on the board, and its number (any number where it is not)."""
    file, rank = squares % 8 + across, squares // 8 + up
    there = (file >= 0) & (file < 8) & (rank >= 0) & (rank < 8)
    return there, np.where(there, rank * 8 + file, 0)


def _near(one: Indices, other: Indices) -> Flags:
    """Whether two kings touch; a king touches no square it stands on."""
    apart = np.maximum(abs(one % 8 - other % 8), abs(one // 8 - other // 8))
    return apart == 1


def _squares(states: Indices) -> tuple[Indices, Indices, Indices]:
    return states // 4096, states // 64 % 64, states % 64


def _number(king: Indices, piece: Indices, black: Indices) -> Indices:
    return (king * 64 + piece) * 64 + black
