"""The same games in the packages they are usually played in: `world_peers.py GAME STEPS`."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import time
from typing import Any

from common import report


def taxi(steps: int) -> float:
    """Gymnasium's taxi (the version it has) under random actions; it is set back every 200 steps."""
    import gymnasium

    known = max(name for name in gymnasium.registry if name.startswith("Taxi-v"))
    environment = gymnasium.make(known)
    rng = random.Random(0)
    environment.reset(seed=0)
    start = time.process_time()
    for number in range(steps):
        _, _, over, cut, _ = environment.step(rng.randrange(6))
        if over or cut:
            environment.reset(seed=number)
    return time.process_time() - start


def textarena(game: str, players: int, choose: Any, steps: int) -> float:
    """A game of TextArena: each step is told to a player, and answered; setting it up is not counted."""
    import textarena as ta

    environment = ta.make(game)
    rng = random.Random(0)
    environment.reset(num_players=players, seed=0)
    told, spent = 0, 0.0
    for number in range(steps):
        start = time.process_time()
        environment.get_observation()
        over, _ = environment.step(choose(rng, told))
        spent += time.process_time() - start
        told += 1
        if over:
            environment.reset(num_players=players, seed=number)
            told = 0
    return spent


def chess(steps: int) -> float:
    """python-chess alone: a legal move read from its notation, played, and the position written."""
    import chess as library

    rng = random.Random(0)
    board = library.Board()
    start = time.process_time()
    for _ in range(steps):
        board.push_san(board.san(rng.choice(list(board.legal_moves))))
        board.fen()
        if board.outcome() is not None or len(board.move_stack) > 40:
            board = library.Board()
    return time.process_time() - start


def _push(rng: random.Random, told: int) -> str:
    return rng.choice(("[up]", "[down]", "[left]", "[right]"))


def _guess(rng: random.Random, told: int) -> str:
    return rng.choice(("[crane]", "[sloth]", "[pious]", "[wordy]", "[mangy]"))


def _mark(rng: random.Random, told: int) -> str:
    return f"[{(told * 2) % 9}]"


GAMES: dict[str, Any] = {
    "taxi": taxi,
    "sokoban": lambda steps: textarena("Sokoban-v0", 1, _push, steps),
    "wordle": lambda steps: textarena("Wordle-v0", 1, _guess, steps),
    "tic_tac_toe": lambda steps: textarena("TicTacToe-v0", 2, _mark, steps),
    "chess": chess,
}


def main() -> None:
    """Measure, warmed up once."""
    play, steps = GAMES[sys.argv[1]], int(sys.argv[2])
    with contextlib.redirect_stdout(io.StringIO()):
        play(max(1, steps // 20))
        spent = play(steps)
    report({"step_us": spent / steps * 1e6})


if __name__ == "__main__":
    main()
