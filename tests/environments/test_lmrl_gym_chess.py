"""LMRL-Gym's Chess and Endgames: rewards, illegal moves, limits, notation, positions, players, Stockfish."""

from __future__ import annotations

import random
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import play

pytest.importorskip("chess", reason="needs turnwise[worlds]")

import chess
import numpy as np

import turnwise
from turnwise.environments.lmrl_gym.chess import Chess, ChessTask, Endgames
from turnwise.environments.lmrl_gym.chess.notation import LegalMoves, position, spread
from turnwise.environments.lmrl_gym.chess.play import Seen, endgame, greedy
from turnwise.environments.lmrl_gym.chess.positions import start
from turnwise.environments.lmrl_gym.chess.stockfish import GET_IT, Stockfish, program
from turnwise.environments.lmrl_gym.chess.tables import UNKNOWN, table
from turnwise.environments.lmrl_gym.normalised import SCALES
from turnwise.errors import ConfigError, TaskError
from turnwise.message import Message, user
from turnwise.model import Request

START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
MATE_IN_ONE = "7k/8/6K1/8/8/8/8/1R6 w - - 0 1"


def game(white: list[str], black: list[str], fen: str | None = None, **settings: Any) -> Any:
    """The episode in which White and Black say these, and their last lines for ever."""
    task = ChessTask(id="0", seed=0, fen=fen)

    def saying(lines: list[str]) -> Any:
        def script(task: Any, rng: random.Random) -> Any:
            yield
            for number in count():
                yield lines[min(number, len(lines) - 1)]

        return script

    return play(Chess(**settings), task, agent=saying(white), opponent=saying(black))


def rewards(episode: Any, role: str = "agent") -> list[float]:
    return [reward.value for reward in episode.rewards if (reward.role or "agent") == role]


def told(episode: Any, role: str) -> list[str]:
    return [turn.text for turn in episode.turns if turn.to == (role,)]


# Rewards and ends -----------------------------------------------------------------------------------------


def test_mating_is_worth_one_and_the_mated_side_loses_one() -> None:
    episode = game(["e4", "Qh5", "Bc4", "Qxf7#"], ["e5", "Nc6", "Nf6"])
    assert (episode.score(), episode.detail) == (1, "win")
    assert rewards(episode) == [1]
    assert rewards(episode, "opponent") == [-1]
    assert episode.metrics == {"victory": 1, "length": 4, "percent_illegal": 0, "invalid": 0}


def test_being_mated_costs_one() -> None:
    episode = game(["f3", "g4"], ["e5", "Qh4"])
    assert (episode.score(), episode.detail, episode.metrics["victory"]) == (-1, "loss", 0)


def test_each_illegal_move_costs_one_and_changes_nothing() -> None:
    episode = game(["Ke4", "e5", "my move is e4", "--", "", "e4", "Qh5", "Bc4", "Qxf7"], ["e5", "Nc6", "Nf6"])
    assert rewards(episode) == [-1, -1, -1, -1, -1, 1]
    assert episode.score() == -4
    states = [position(text) for text in told(episode, "agent")]
    assert states[:6] == [START] * 6
    # As published: 5 of 9 replies were illegal.
    assert episode.metrics["percent_illegal"] == pytest.approx(100 * 5 / 9)


@pytest.mark.parametrize(
    ("fen", "move"),
    [
        ("7k/8/5K2/8/8/8/8/6Q1 w - - 0 1", "Qg6"),  # stalemate
        ("k7/8/8/8/8/8/8/1rK5 w - - 0 1", "Kxb1"),  # too little material
        ("7k/8/8/8/8/8/R7/K7 w - - 149 120", "Ra3"),  # 75 moves without progress
    ],
)
def test_draws_are_worth_nothing(fen: str, move: str) -> None:
    episode = game([move], ["e5"], fen)
    assert (episode.score(), episode.detail) == (0, "draw")


def test_the_fifth_time_a_position_comes_up_is_a_draw() -> None:
    episode = game(["Nf3", "Ng1"] * 10, ["Nf6", "Ng8"] * 10)
    # The start stands there at first and comes again every second move of each side.
    assert (episode.detail, episode.metrics["length"]) == ("draw", 8)


def test_the_game_ends_with_reply_401() -> None:
    episode = game(["pass"], ["e5"])
    assert (episode.score(), episode.detail, episode.metrics["length"]) == (-401, "move limit", 401)
    # As published, an illegal reply that is the last of all is not counted.
    assert episode.metrics["percent_illegal"] == pytest.approx(100 * 400 / 401)
    assert Chess().reward_range == (-401, 1)
    assert SCALES["chess"].normalised(episode.score()) == 0


def test_the_opponent_still_answers_the_last_move() -> None:
    episode = game(["e4", "d4"], ["e5", "d5"], max_moves=1)
    assert [turn.text for turn in episode.turns if turn.role != "environment"] == ["e4", "e5", "d4", "d5"]
    assert episode.detail == "move limit"


def test_an_illegal_move_of_the_opponent_is_at_its_own_cost() -> None:
    episode = game(["e4", "pass"], ["e4"], max_moves=1)
    assert rewards(episode) == [-1]
    assert rewards(episode, "opponent") == [-1]
    board = chess.Board(position(told(episode, "agent")[-1]))
    assert (board.turn, board.fullmove_number) == (chess.WHITE, 2)


def test_normalised_scores_are_the_published_ones() -> None:
    assert SCALES["chess"].normalised(-22.3) == pytest.approx(47.2, abs=0.05)
    assert SCALES["chess"].normalised(-16) == pytest.approx(48.0, abs=0.05)
    assert SCALES["endgames"].normalised(0.814) == pytest.approx(77.5, abs=0.05)


# What is shown and what is read ---------------------------------------------------------------------------


def test_the_published_form_is_the_position_alone_with_spaces_between_characters() -> None:
    episode = game(["K e 4", "e 4"], ["e 5"], rules=False, max_moves=1)
    first, again = told(episode, "agent")
    assert first == again == " ".join(START)
    assert first.startswith("r n b q k b n r / p p")
    assert told(episode, "opponent")[0].endswith(" ".join("4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"))


def test_rules_and_complaints_come_before_the_position() -> None:
    episode = game(["Ke4\n" + "!" * 100, "e4"], ["e5"], spaced=False, max_moves=1)
    first, again = told(episode, "agent")
    assert "white pieces" in first
    assert '"Nf3"' in first
    assert first.endswith("\n" + START)
    assert again.endswith("is no legal move here.\n" + START)
    assert len(again) < 200


@given(st.text(max_size=30))
def test_any_text_is_a_reply(text: str) -> None:
    world = Chess().world(ChessTask(id="0", seed=0), random.Random(0))
    step = world.step(text)
    assert step.valid == (world.mover == "opponent")


@pytest.mark.parametrize("text", ["9" * 100_000, "٣", "Ｎf3", "0000", "Z0", "@@@@", "e9", "O-O-O-O", "\x00"])
def test_odd_replies_are_illegal_moves(text: str) -> None:
    world = Chess().world(ChessTask(id="0", seed=0), random.Random(0))
    assert not world.step(text).valid
    assert position(world.observe()) == START


def test_legal_moves_have_ids_of_their_own() -> None:
    promoting = "7k/P7/8/8/8/8/8/K7 w - - 0 1"
    moves = LegalMoves(promoting, spread=True)
    offered = {action.text: action.id for action in moves.offer(()).actions}
    assert set(offered) == {spread(san) for san in ("Ka2", "Kb1", "Kb2", "a8=N", "a8=B", "a8=R+", "a8=Q+")}
    assert offered[spread("a8=Q+")] == (48 * 64 + 56) * 5 + 4
    assert offered[spread("Kb1")] == (0 * 64 + 1) * 5
    assert moves.render([offered[spread("a8=N")]]) == spread("a8=N")
    assert not moves.offer([offered[spread("a8=N")]]).actions
    with pytest.raises(ValueError, match="expected one of"):
        moves.offer([3])


def test_equal_positions_with_another_past_have_another_key() -> None:
    """The fifth repetition ends the game, so a position alone does not say the future."""

    def key(*moves: str) -> str:
        world = Chess().world(ChessTask(id="0", seed=0), random.Random(0))
        for move in moves:
            assert world.step(move).valid
        return world.key()

    knights = ("Nf3", "Nf6", "Ng1", "Ng8")
    assert key(*knights) != key("Nc3", "Nf6", "Nb1", "Ng8")
    assert key("e4", "e5", "Nf3", "Nc6", "Bc4", "Bc5") == key("e4", "e5", "Nf3", "Nc6", "Bc4", "Bc5")
    # A pawn's move makes the past unrepeatable.
    assert key(*knights, "e4") == key("Nc3", "Nf6", "Nb1", "Ng8", "e4")


def test_the_picture_is_the_board_with_the_last_move_marked() -> None:
    world = Chess().world(ChessTask(id="0", seed=0), random.Random(0))
    world.step("e4")
    rows = world.picture().rows
    assert "".join(cell.text for cell in rows[0]) == "♜♞♝♛♚♝♞♜"
    assert rows[4][4].text == "♟"
    assert rows[4][4].paper == rows[6][4].paper != rows[4][3].paper
    assert rows[7][0].paper != rows[7][7].paper  # a1 is dark, h1 is light


# Where it starts ------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(["kQK", "kRK", "kQRK", "kRRK", "krpKQP"]), st.booleans())
def test_endgames_start_in_legal_positions_of_their_split(seed: int, setup: str, test: bool) -> None:
    fen = start([setup], seed, test=test)
    board = chess.Board(fen)
    assert board.is_valid()
    assert board.turn == chess.WHITE
    assert not board.is_check()
    assert sorted(piece.symbol() for piece in board.piece_map().values()) == sorted(setup)
    assert start([setup], seed, test=test) == fen


def test_the_splits_share_no_position() -> None:
    found = {
        split: {environment.start(task) for task in environment.tasks()}
        for split in ("train", "test")
        for environment in [Endgames(split=split)]
    }
    assert len(list(Endgames().tasks())) == 645
    assert not found["train"] & found["test"]


@pytest.mark.parametrize("fen", ["nonsense", "8/8/8/8/8/8/8/8 w - - 0 1", START.replace(" w ", " b ")])
def test_positions_that_cannot_be_played_are_refused(fen: str) -> None:
    with pytest.raises(TaskError, match="field 'fen'"):
        ChessTask(id="0", seed=0, fen=fen)


@pytest.mark.parametrize("pieces", [("QK",), ("kK", "kkQ"), ("kXK",), ()])
def test_setups_that_make_no_sense_are_refused(pieces: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="pieces"):
        Endgames(pieces=pieces)


# Players --------------------------------------------------------------------------------------------------

KRK = [27, 78, 246, 81, 198, 471, 592, 683, 1433, 1712, 1985, 2854, 3597, 4194, 4553, 2166, 390]
"""Positions of rook against king, Black to move, by White's moves to mate, up to symmetry: Bain & Hoff's
"Chess (King-Rook vs. King)" data set of the UCI repository, 1994."""


def test_the_rooks_table_agrees_with_the_published_count_of_positions() -> None:
    moves = table("R").black
    states = np.flatnonzero(moves != UNKNOWN)
    turned = np.array([[_turned(square, way) for square in range(64)] for way in range(8)])
    king, rook, black = states // 4096, states // 64 % 64, states % 64
    named = np.min([(turn[king] * 64 + turn[rook]) * 64 + turn[black] for turn in turned], axis=0)
    _, first = np.unique(named, return_index=True)
    assert np.bincount(moves[states[first]]).tolist() == KRK


def _turned(square: int, way: int) -> int:
    file, rank = square % 8, square // 8
    file, rank = 7 - file if way & 1 else file, 7 - rank if way & 2 else rank
    return file * 8 + rank if way & 4 else rank * 8 + file


def test_the_queen_mates_in_ten_at_most() -> None:
    moves = table("Q").black
    assert moves[moves != UNKNOWN].max() == 10
    # Black to move next to an unguarded queen takes it.
    assert table("Q").mate_in(chess.H1, chess.B2, chess.A1) is None


def test_the_solver_wins_every_endgame_and_chance_none(tmp_path: Path) -> None:
    def run(agent: str) -> turnwise.Run:
        return turnwise.run(
            Endgames(count=24), agent, agents={"opponent": "builtin"}, store=tmp_path / "t.db", seed=1
        )

    best = run("solver")
    assert best.score.mean == 1
    assert max(log.metrics["length"] for log in best.logs()) <= 20
    scores = [run(agent).score.mean for agent in ("skill25", "random")]
    assert 1 > scores[0] > scores[1]


def test_better_players_win_more_games(tmp_path: Path) -> None:
    means = [
        turnwise.run(
            Chess(), agent, agents={"opponent": "builtin"}, limit=10, store=tmp_path / "t.db", seed=2
        ).score.mean
        for agent in ("solver", "skill50", "random")
    ]
    assert means == sorted(means, reverse=True)
    assert means[0] > 0.8 > -0.8 > means[2]


def test_players_see_what_hangs() -> None:
    hanging = "4k3/8/8/3q4/8/2N5/8/4K3 w - - 0 1"
    seen = Seen(None, [user(hanging)])
    assert greedy(seen, random.Random(0)) == "Nxd5"
    assert greedy(Seen(None, [user(spread(MATE_IN_ONE))]), random.Random(0)) == spread("Rb8#")
    assert endgame(chess.Board(), random.Random(0)) is None
    assert endgame(chess.Board(MATE_IN_ONE), random.Random(0)) == chess.Move.from_uci("b1b8")


# Stockfish ------------------------------------------------------------------------------------------------

needs_stockfish = pytest.mark.skipif(program() is None, reason=f"Stockfish is not installed: {GET_IT}")


def test_who_plays_black_is_part_of_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STOCKFISH", "/there/is/no/engine")
    assert Chess().defaults() == {"opponent": "stockfish"}
    run = turnwise.run(Chess(count=1), "solver", store=tmp_path / "t.db")
    assert "does not start" in run.episode(0).error.message
    monkeypatch.setattr("turnwise.environments.lmrl_gym.chess.environment.program", lambda: None)
    run = turnwise.run(Endgames(count=1), "solver", store=tmp_path / "t.db")
    assert run.config.agents["opponent"].use == "builtin"


@needs_stockfish
def test_stockfish_plays_and_replay_needs_it_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = turnwise.run(Endgames(count=3, seconds=0.01), "solver", store=tmp_path / "t.db")
    assert run.config.agents["opponent"].use == "stockfish"
    assert run.score.mean == 1
    monkeypatch.setenv("STOCKFISH", "/there/is/no/engine")
    assert turnwise.replay(run.id, store=tmp_path / "t.db") == turnwise.Replayed(replayed=3)


async def _ask(engine: Stockfish, fen: str) -> Message:
    try:
        return (await engine.sample(Request(messages=[user(fen)]))).message
    finally:
        await engine.close()


@needs_stockfish
def test_stockfish_at_full_strength_finds_the_mate() -> None:
    import asyncio

    engine = Stockfish(elo=None, nodes=1000)
    assert asyncio.run(_ask(engine, MATE_IN_ONE)).text == "Rb8#"
