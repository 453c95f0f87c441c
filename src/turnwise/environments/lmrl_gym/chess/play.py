"""Choosing a move without an engine: a player that looks one reply ahead, and one that knows its endgames.

They are here to be an opponent where no Stockfish is installed, to make offline data of graded skill, and to
win won endgames; nobody will mistake them for chess engines.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from turnwise.environments.lmrl_gym.chess.notation import board_of, position, spread
from turnwise.message import Message

if TYPE_CHECKING:
    import chess

PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(1, 7)
WORTH = (0, 100, 300, 310, 500, 900, 10_000)
"""Centipawns by piece type."""
MATE = 1_000_000
CENTRE = tuple(6 - abs(2 * (s % 8) - 7) // 2 - abs(2 * (s // 8) - 7) // 2 for s in range(64))
"""How central a square is: 6 in the middle, 0 in the corners."""


class Seen:
    """What a player is shown: a board, and whether moves are written spread out."""

    def __init__(self, task: Any, messages: Sequence[Message]) -> None:
        text = messages[-1].text
        self.board = board_of(text)
        self._spread = position(text) != text.rpartition("\n")[2]

    def says(self, move: chess.Move) -> str:
        """The move in SAN, written as the position was."""
        san = self.board.san(move)
        return spread(san) if self._spread else san


def at_random(seen: Seen, rng: random.Random) -> str:
    """Any legal move."""
    return seen.says(rng.choice(list(seen.board.legal_moves)))


def greedy(seen: Seen, rng: random.Random) -> str:
    """Takes what hangs and leaves nothing hanging, as far as one move shows; mates where it can."""
    board = seen.board
    return seen.says(max(board.legal_moves, key=lambda move: (_glance(board, move), rng.random())))


def careful(seen: Seen, rng: random.Random) -> str:
    """Looks at every answer to every move; knows how to mate a lone king."""
    board = seen.board
    if (known := endgame(board, rng)) is not None:
        return seen.says(known)
    moves = list(board.legal_moves)
    rng.shuffle(moves)
    # Promising moves first, so that the others are soon seen to be worse.
    moves.sort(key=lambda move: -_glance(board, move))
    best, chosen = -10 * MATE, moves[0]
    for move in moves:
        value = _after(board, move, best)
        if value > best:
            best, chosen = value, move
    return seen.says(chosen)


def endgame(board: chess.Board, rng: random.Random) -> chess.Move | None:
    """The move that mates a lone king soonest, where only queens and rooks are left, else None.

    Exact with one of them. With more, one does the work; should the others stand in its way, so that moves
    go round in circles, they soon become more random.
    """
    mine, theirs = board.occupied_co[board.turn], board.occupied_co[not board.turn]
    majors = (board.queens | board.rooks) & mine
    if theirs & (theirs - 1) or not majors or mine != majors | (board.kings & mine) or board.castling_rights:
        return None
    doubt = board.halfmove_clock / 8 if majors & (majors - 1) else 0.0
    return min(board.legal_moves, key=lambda move: _moves_to_mate(board, move) + doubt * rng.random())


def _moves_to_mate(board: chess.Board, move: chess.Move) -> float:
    """How soon a move mates, were one queen or rook the only one; a piece that Black could take counts not.

    A queen before a rook: to change plans between them may go in circles.
    """
    from turnwise.environments.lmrl_gym.chess.tables import table

    board.push(move)
    try:
        answers = list(board.legal_moves)
        if not answers:
            return -1 if board.is_check() else math.inf
        king, lone = cast("int", board.king(not board.turn)), cast("int", board.king(board.turn))
        taken = {answer.to_square for answer in answers}
        soonest = math.inf
        pieces, kind = (board.queens, "Q") if board.queens else (board.rooks, "R")
        for piece in _squares(pieces):
            if piece not in taken:
                mate = table(kind).mate_in(king, piece, lone)
                soonest = soonest if mate is None else min(soonest, mate)
        return soonest
    finally:
        board.pop()


def _glance(board: chess.Board, move: chess.Move) -> int:
    """What a move is worth at first sight, in centipawns, to whoever makes it."""
    moved = board.piece_type_at(move.from_square) or PAWN
    taken = board.piece_type_at(move.to_square)
    value = WORTH[taken] if taken else WORTH[PAWN] if board.is_en_passant(move) else 0
    if move.promotion:
        value += WORTH[move.promotion] - WORTH[PAWN]
    value += CENTRE[move.to_square] - CENTRE[move.from_square] if moved != KING else 0
    board.push(move)
    attackers = board.attackers_mask(board.turn, move.to_square)
    if attackers and moved != KING:
        cheapest = min(WORTH[board.piece_type_at(square) or KING] for square in _squares(attackers))
        guarded = board.attackers_mask(not board.turn, move.to_square)
        at_stake = WORTH[move.promotion or moved]
        value -= max(0, at_stake - cheapest) if guarded else at_stake
    if board.is_check() and board.is_checkmate():
        value = MATE
    board.pop()
    return value


def _after(board: chess.Board, move: chess.Move, best: int) -> int:
    """What a move is worth once it was answered, to whoever makes it; stops where it is below `best`."""
    value = _gain(board, move)
    board.push(move)
    worst = MATE
    answered = False
    for answer in board.legal_moves:
        answered = True
        seen = (
            value - max(0, _glance(board, answer)) if board.is_capture(answer) or answer.promotion else value
        )
        if seen == value and board.gives_check(answer) and _glance(board, answer) >= MATE:
            seen = -MATE
        worst = min(worst, seen)
        if worst <= best:
            break
    if not answered:
        worst = MATE if board.is_check() else 0
    elif board.is_repetition(2) or board.halfmove_clock > 90:
        worst = min(worst, 0)
    board.pop()
    return worst


def _gain(board: chess.Board, move: chess.Move) -> int:
    moved = board.piece_type_at(move.from_square) or PAWN
    taken = board.piece_type_at(move.to_square)
    value = WORTH[taken] if taken else WORTH[PAWN] if board.is_en_passant(move) else 0
    if move.promotion:
        value += WORTH[move.promotion] - WORTH[PAWN]
    if moved == PAWN:
        value += 2
    elif moved != KING:
        value += CENTRE[move.to_square] - CENTRE[move.from_square]
    return value


def _squares(mask: int) -> list[int]:
    """The squares of a bitboard."""
    found: list[int] = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
