"""Where endgames start: named pieces on random squares, White to move, nobody in check.

A setup is written as published, one letter a piece in FEN's way: `kQK` is a lone black king against queen and
king. The published 645 evaluation positions were also screened by Stockfish for being hard, and are not
available; here the seed of a task says the position.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

from turnwise.environments.lmrl_gym.chess.notation import library

if TYPE_CHECKING:
    import chess

TEST_SHARE = 4
"""One position in so many belongs to the test split, by its checksum."""


def draw(setup: str, rng: random.Random) -> str:
    """The FEN of a random legal position of `setup`."""
    chess = library()
    board: chess.Board = chess.Board(None)
    while True:
        board.clear()
        for symbol, square in zip(setup, rng.sample(range(64), len(setup)), strict=True):
            board.set_piece_at(square, chess.Piece.from_symbol(symbol))
        # Valid: among other things, the side not to move is not in check.
        if board.is_valid() and not board.is_check() and not board.is_game_over():
            return board.fen()


def start(setups: Sequence[str], seed: int, *, test: bool) -> str:
    """The FEN of a task: its seed says the setup and the position.

    No position is in both splits: its checksum says in which it may be.
    """
    rng = random.Random(seed)
    setup = rng.choice(setups)
    while True:
        fen = draw(setup, rng)
        if (crc32(fen.encode()) % TEST_SHARE == 0) == test:
            return fen
