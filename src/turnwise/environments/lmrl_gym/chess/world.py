"""One game of chess: the agent plays White and moves first, the role `opponent` plays Black.

Rules of the reward as published: 1 for mating, -1 for being mated, 0 for every draw and every other move; a
reply that is no legal move costs 1 and changes nothing. After more than `max_moves` replies of the agent
(legal or not) the game is over, once the opponent has answered. Draws are those that come by themselves:
stalemate, too little material, 75 moves, a position for the fifth time.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from typing import TYPE_CHECKING

from turnwise.environments.lmrl_gym.chess.notation import LegalMoves, move_of, spread
from turnwise.environments.parts.picture import Board, Cell
from turnwise.environments.parts.world import Gain, Step, World

if TYPE_CHECKING:
    import chess

RULES = (
    "You play chess, with {side}. You are shown the position in Forsyth-Edwards notation{spaced}. Reply with "
    "your move in standard algebraic notation (such as {example}) and nothing else.{price}\n\n"
)
PRICE = (
    " Mating your opponent is worth 1 point, being mated costs 1, and so does each reply that is no legal "
    "move."
)
LIGHT, DARK, LAST = "#b8c4d2", "#7f8ea3", "#d8b74a"
WHITE_INK, BLACK_INK = "#ffffff", "#0f172a"
GLYPHS = {"p": "♟", "n": "♞", "b": "♝", "r": "♜", "q": "♛", "k": "♚"}


class ChessWorld(World):
    """A game in progress."""

    def __init__(
        self, board: chess.Board, *, max_moves: int, rules: bool, spaced: bool, rng: random.Random
    ) -> None:
        self.board = board
        self.max_moves = max_moves
        self.spaced = spaced
        self.moves = 0
        """Replies of the agent so far."""
        self.illegal: list[int] = []
        """Which of them were no legal move."""
        self._rng = rng
        self._rules_told = rules
        self._greet = {"agent": rules, "opponent": True}
        self._complaint = ""
        self._seen = 0
        self._look()

    def observe(self) -> str:
        """The position; before the first move also the rules, after an illegal one also a complaint."""
        before = self._complaint
        self._complaint = ""
        if self._greet[self.mover]:
            self._greet[self.mover] = False
            before = self._rules() + before
        return before + self.state

    @property
    def state(self) -> str:
        """The position as it is shown."""
        return spread(self._fen) if self.spaced else self._fen

    def actions(self) -> LegalMoves:
        """The legal moves."""
        return LegalMoves(self._fen, spread=self.spaced)

    def key(self) -> str:
        """The position, the replies so far, and a digest of the positions that could still be repeated."""
        return f"{self._fen} {self.moves} {self._seen:x}"

    def step(self, reply: str) -> Step:
        """Make a move of whoever's turn it is."""
        return self._agent_moves(reply) if self.mover == "agent" else self._opponent_moves(reply)

    def metrics(self) -> dict[str, float]:
        """The published ones: victory, length in replies, and the percentage of illegal ones.

        As published an illegal reply that is the last of all is not counted in the percentage.
        """
        counted = sum(number < self.moves for number in self.illegal)
        return {
            "victory": float(self.outcome == "win"),
            "length": self.moves,
            "percent_illegal": 100 * counted / self.moves if self.moves else 0.0,
        }

    def picture(self) -> Board:
        """The board as White sees it, the last move marked."""
        last = self.board.peek() if self.board.move_stack else None
        marked = {last.from_square, last.to_square} if last else set[int]()
        rows = tuple(
            tuple(self._cell(rank * 8 + file, marked) for file in range(8)) for rank in range(7, -1, -1)
        )
        turn = "White" if self.board.turn else "Black"
        caption = self.outcome or f"move {self.board.fullmove_number}, {turn} to play"
        return Board(rows, caption=caption)

    def _cell(self, square: int, marked: set[int]) -> Cell:
        piece = self.board.piece_at(square)
        paper = LAST if square in marked else DARK if (square % 8 + square // 8) % 2 == 0 else LIGHT
        if piece is None:
            return Cell(" ", BLACK_INK, paper)
        return Cell(GLYPHS[piece.symbol().lower()], WHITE_INK if piece.color else BLACK_INK, paper)

    def _agent_moves(self, reply: str) -> Step:
        self.moves += 1
        move = move_of(reply, self.board)
        if move is None:
            self.illegal.append(self.moves)
            if self._rules_told:
                self._complaint = f"{_brief(reply)} is no legal move here.\n"
            self._limit()
            return Step((Gain(-1.0, "illegal"),), valid=False)
        gains = self._push(move)
        self.mover = "opponent"
        return Step(gains)

    def _opponent_moves(self, reply: str) -> Step:
        move = move_of(reply, self.board)
        gains: tuple[Gain, ...] = ()
        valid = move is not None
        if move is None:
            # The game must go on, and not at the agent's cost.
            move = self._rng.choice(list(self.board.legal_moves))
            gains = (Gain(-1.0, "illegal"),)
            self._complaint = ""
        gains += self._push(move)
        self.mover = "agent"
        self._limit()
        return Step(gains, valid=valid)

    def _push(self, move: chess.Move) -> tuple[Gain, ...]:
        self.board.push(move)
        self._look()
        ended = self.board.outcome()
        if ended is None:
            return ()
        self.over = True
        if ended.winner is None:
            self.outcome = "draw"
            return (Gain(0.0, "result", "agent"), Gain(0.0, "result", "opponent"))
        won = 1.0 if ended.winner else -1.0
        self.outcome = "win" if ended.winner else "loss"
        return (Gain(won, "result", "agent"), Gain(-won, "result", "opponent"))

    def _limit(self) -> None:
        if self.moves > self.max_moves and not self.over:
            self.over, self.outcome = True, "move limit"

    def _look(self) -> None:
        """Take note of the position that has come up."""
        self._fen = self.board.fen()
        if self.board.halfmove_clock == 0:
            self._seen = 0
        place = self._fen.rsplit(" ", 2)[0].encode()
        self._seen = (self._seen + int.from_bytes(blake2b(place, digest_size=8).digest())) % (1 << 64)

    def _rules(self) -> str:
        white = self.mover == "agent"
        return RULES.format(
            side="the white pieces" if white else "the black pieces",
            spaced=", with a space between any two characters" if self.spaced else "",
            example=self._example("Nf3" if white else "Nf6"),
            price=PRICE if white else "",
        )

    def _example(self, move: str) -> str:
        return f'"{spread(move)}"' if self.spaced else f'"{move}"'


def _brief(reply: str) -> str:
    text = reply.strip()
    return repr(text if len(text) <= 40 else text[:40] + "…")
