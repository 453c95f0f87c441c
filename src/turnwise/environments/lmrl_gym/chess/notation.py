"""How positions and moves are written: FEN and SAN, in the published form with a space between characters.

`python-chess` is imported here and nowhere else at run time, when a game is first played.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from turnwise.action import Action, Menu, Offer
from turnwise.errors import ConfigError

if TYPE_CHECKING:
    import chess

LONGEST = 16
"""Longer than any move in SAN."""


def library() -> Any:
    """The package `chess`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import chess
    except ImportError:
        raise ConfigError(
            "chess needs the package python-chess: install turnwise[worlds] (pip install 'turnwise[worlds]')"
        ) from None
    return cast("ModuleType", chess)


def spread(text: str) -> str:
    """The published form: a space between any two characters, so that each is a token of its own."""
    return " ".join(text)


def position(text: str) -> str:
    """The FEN in the last line of an observation, spread or not."""
    line = text.rpartition("\n")[2]
    return line[::2] if len(line) > 1 and not line[1::2].strip() else line


def board_of(text: str) -> chess.Board:
    """The board an observation shows."""
    return library().Board(position(text))


def move_of(reply: str, board: chess.Board) -> chess.Move | None:
    """The legal move a reply makes, or None: the whole reply is one move in SAN, spaces do not count."""
    text = reply.replace(" ", "").strip()
    if not text or len(text) > LONGEST:
        return None
    try:
        move = board.parse_san(text)
    except ValueError:
        return None
    return move or None  # a null move is false


class LegalMoves:
    """The legal moves of a position as actions; worked out only if somebody asks.

    The id of a move is `(from * 64 + to) * 5`, with 1 to 4 added for a promotion to knight, bishop, rook or
    queen; squares count from a1 = 0, b1 = 1 to h8 = 63.
    """

    __slots__ = ("_fen", "_menu", "_spread")

    def __init__(self, fen: str, *, spread: bool) -> None:
        self._fen = fen
        self._spread = spread
        self._menu: Menu | None = None

    def offer(self, chosen: Sequence[int]) -> Offer:
        """All legal moves at first, then nothing."""
        return self._moves().offer(chosen)

    def render(self, chosen: Sequence[int]) -> str:
        """The move in SAN."""
        return self._moves().render(chosen)

    def _moves(self) -> Menu:
        if self._menu is None:
            board: chess.Board = library().Board(self._fen)
            self._menu = Menu([self._action(board, move) for move in board.legal_moves])
        return self._menu

    def _action(self, board: chess.Board, move: chess.Move) -> Action:
        number = (move.from_square * 64 + move.to_square) * 5 + max(0, (move.promotion or 1) - 1)
        san = board.san(move)
        return Action(number, spread(san) if self._spread else san)
