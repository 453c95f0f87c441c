"""Tic-tac-toe between roles: the game, its table, MARS's rewards and prompts, and self-play."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seats import after, duel, gained, paid, the, world
from stage import Scripted, play

import turnwise
from turnwise.agent import Agent
from turnwise.environments.mars import TicTacToe
from turnwise.environments.mars.noughts import EMPTY, Noughts, best, lined, moves, value
from turnwise.environments.mars.spiel import answer
from turnwise.episode import Episode

DRAWN = ["<X(1,1)>", "<O(0,0)>", "<X(0,1)>", "<O(2,1)>", "<X(1,0)>", "<O(1,2)>", "<X(2,0)>", "<O(0,2)>"]
WON = ["<X(0,0)>", "<O(1,0)>", "<X(0,1)>", "<O(1,1)>", "<X(0,2)>"]


def positions() -> set[str]:
    """All boards that play reaches."""
    seen, new = set[str](), [EMPTY]
    while new:
        board = new.pop()
        if board in seen:
            continue
        seen.add(board)
        if not lined(board, "x") and not lined(board, "o"):
            new.extend(after for _, after in moves(board))
    return seen


# The game and its table ----------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 8)))
def test_our_game_is_openspiels(tries: list[int]) -> None:
    spiel = pytest.importorskip("pyspiel")
    ours, theirs = Noughts(), spiel.load_game("tic_tac_toe").new_initial_state()
    for cell in tries:
        assert ours.legal_actions() == theirs.legal_actions()
        if cell in ours.legal_actions():
            ours.apply_action(cell)
            theirs.apply_action(cell)
        assert str(ours) == str(theirs)
        assert ours.current_player() == theirs.current_player()
        assert list(ours.returns()) == theirs.returns()
        assert ours.history() == theirs.history()
        for player in (0, 1):
            assert ours.information_state_string(player) == theirs.information_state_string(player)
            for action in ours.legal_actions():
                assert ours.action_to_string(player, action) == theirs.action_to_string(player, action)


def test_there_are_5478_positions_and_the_empty_board_is_a_draw() -> None:
    boards = positions()
    assert len(boards) == 5478
    assert sum(lined(board, "x") for board in boards) == 626
    assert sum(lined(board, "o") for board in boards) == 316
    assert value(EMPTY) == 0
    assert best(EMPTY) == list(range(9))
    # After a corner only the middle holds the draw.
    assert best("x........") == [4]


def test_our_table_is_the_published_one_where_that_is_right() -> None:
    path = Path(os.environ.get("TURNWISE_DATA", "")) / "mars" / "tictactoe_value_table.json"
    if not path.is_file():
        pytest.skip("TURNWISE_DATA has no mars/tictactoe_value_table.json")
    published = json.loads(path.read_text())
    table = {board.replace("\n", "").replace("_", ".").lower(): pair for board, pair in published.items()}
    assert set(table) == positions()
    wrong = {board for board, pair in table.items() if pair != [value(board), -value(board)]}
    # The published values were played out by tree search, which missed a forced win 35 times, after two or
    # three marks. By hand: x in a corner, o in the next one. x takes the corner below its own, o must block
    # between them, and x's third corner threatens two lines at once.
    assert len(wrong) == 35
    assert {9 - board.count(".") for board in wrong} == {2, 3}
    assert "o.x......" in wrong
    fork = "o.x..ox.x"
    threats = [cell for cell in (1, 3, 4, 7) if lined(f"{fork[:cell]}x{fork[cell + 1 :]}", "x")]
    assert threats == [4, 7]


def test_perfect_against_perfect_always_draws() -> None:
    assert {duel(TicTacToe(), "solver", "perfect", seed).outcome for seed in range(100)} == {"draw"}


@pytest.mark.parametrize("perfect", [0, 1])
def test_perfect_never_loses_whatever_the_other_does(perfect: int) -> None:
    def worst(board: str, turn: int) -> int:
        """The least that any best move brings `x` (or most, when `o` is perfect) against every reply."""
        if lined(board, "x") or lined(board, "o") or "." not in board:
            return value(board)
        options = dict(moves(board))
        mine = turn % 2 == perfect
        results = [worst(options[cell], turn + 1) for cell in (best(board) if mine else options)]
        return min(results) if perfect == 0 else max(results)

    assert worst(EMPTY, 0) == 0


# Rewards -------------------------------------------------------------------------------------------------


def test_a_win_pays_one_and_each_legal_reply_a_format_reward() -> None:
    made = world(TicTacToe())
    rewards = paid(made, WON)
    assert rewards == {
        "agent": {"game": 1.0, "format": pytest.approx(0.15)},
        "opponent": {"game": -1.0, "format": pytest.approx(0.1)},
    }
    assert made.outcome == "won"
    assert made.metrics() == {"return": 1, "won": 1, "drawn": 0, "moves": 5}


def test_a_draw_pays_a_tenth_to_both() -> None:
    rewards = paid(made := world(TicTacToe()), [*DRAWN, "<X(2,2)>"])
    assert {role: gains["draw"] for role, gains in rewards.items()} == {"agent": 0.1, "opponent": 0.1}
    assert all("game" not in gains for gains in rewards.values())
    assert (made.outcome, made.metrics()["drawn"]) == ("draw", 1)


def test_an_illegal_move_costs_eleven_and_pays_nobody() -> None:
    made = after(world(TicTacToe()), WON[:1])
    step = made.step("<answer><O(0,0)></answer>")
    assert not step.valid
    assert gained(made, step) == {"opponent": {"game": -1.0, "illegal": -10.0}}
    assert (made.over, made.outcome) == (True, "illegal move")
    assert made.metrics()["return"] == 1


def test_the_games_own_rewards_sum_to_nothing() -> None:
    plain = TicTacToe(rewards="game")
    assert paid(world(plain), WON) == {"agent": {"game": 1.0}, "opponent": {"game": -1.0}}
    assert paid(world(plain), [*DRAWN, "<X(2,2)>"]) == {}
    assert paid(world(plain), ["nonsense"]) == {"agent": {"game": -1.0}, "opponent": {"game": 1.0}}
    assert plain.reward_range == (-1.0, 1.0)


def test_the_second_seat_plays_the_noughts() -> None:
    made = world(TicTacToe(seat="second"))
    assert made.mover == "opponent"
    assert paid(made, WON)["agent"]["game"] == -1.0
    assert (made.outcome, made.metrics()["return"]) == ("lost", -1)


# What is said --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "named"),
    [
        ("<answer><X(0,0)></answer>", "<X(0,0)>"),
        ("<think>corners </think> first</think>\n<answer> <X(0,0)> </answer>\n", "<X(0,0)>"),
        ("<answer><X(0,0)> || <X(1,1)></answer>", "<X(0,0)>"),
        ("<answer> || <X(1,1)></answer>", "<X(1,1)>"),
        ("I take <answer><X(0,0)></answer>", None),
        ("<answer><X(0,0)></answer> done", None),
        ("<think>never ends <answer><X(0,0)></answer>", None),
        ("<X(0,0)>", None),
        ("<answer></answer>", None),
        ("", None),
    ],
)
def test_replies_are_one_answer_after_thoughts(reply: str, named: str | None) -> None:
    assert answer(reply) == named


def test_the_prompt_has_rules_seat_format_state_and_actions() -> None:
    made = world(TicTacToe())
    first = made.observe()
    marks = ["GAME RULES:", "PLAYER INFORMATION:", "RESPONSE INSTRUCTIONS:", "Information of Turn-1:"]
    assert [first.index(mark) for mark in marks] == sorted(first.index(mark) for mark in marks)
    assert "GAME STATE:\n___\n___\n___\n\nLEGAL ACTIONS:\n<X(0,0)>, <X(0,1)>, " in first
    after(made, ["<X(0,0)>"])
    second = made.observe()
    assert "with the mark O" in second
    assert "GAME STATE:\n___\n___\n___\n\nLEGAL ACTIONS:\n<X(0,0)>," in second
    assert "CHOSEN ACTION:\n<X(0,0)>\n\nInformation of Turn-2:" in second
    assert "GAME STATE:\nX__\n___\n___\n\nLEGAL ACTIONS:\n<O(0,1)>, <O(0,2)>, " in second
    after(made, ["<O(1,1)>"])
    third = made.observe()
    assert "RULES" not in third
    assert third.startswith("Information of Turn-2:")


def test_moves_alone_can_be_told() -> None:
    made = after(world(TicTacToe(others="action")), ["<X(0,0)>"])
    assert made.observe().count("GAME STATE:") == 1


def test_thoughts_stay_with_who_thinks() -> None:
    made = world(TicTacToe())
    made.step("<think>a secret plan</think><answer><X(0,0)></answer>")
    assert "secret" not in made.observe()


def test_ids_are_openspiels_cells() -> None:
    made = after(world(TicTacToe()), ["<X(0,0)>", "<O(1,1)>"])
    assert [action.id for action in made.actions().actions] == [1, 2, 3, 5, 6, 7, 8]
    assert made.actions().render([5]) == "<answer><X(1,2)></answer>"
    assert made.actions().information == "0 4"
    assert made.key() == "x../.o./..."


@given(st.text())
def test_any_text_is_a_move_or_a_loss(text: str) -> None:
    made = world(TicTacToe())
    step = made.step(text)
    assert step.valid or made.outcome == "illegal move"
    assert "expected one of <X(0,0)>" in made.closing() or step.valid


# Episodes ------------------------------------------------------------------------------------------------


def test_self_play_is_one_agent_in_two_roles() -> None:
    def first_free(messages: Any) -> str:
        listed = messages[-1].text.rpartition("LEGAL ACTIONS:\n")[2]
        return f"<answer>{listed.split(', <')[0].strip().rstrip('.')}</answer>"

    one = Agent(Scripted(first_free))
    episode = Episode(TicTacToe(), the(0), {"agent": one, "opponent": one})
    asyncio.run(episode.play())
    # Cells 0, 2, 4 and 6 are X's: the diagonal from (0,2) to (2,0).
    assert (episode.stop, episode.detail) == (turnwise.Stop.COMPLETED, "won")
    assert episode.score("agent") == pytest.approx(1 + 4 * 0.05)
    assert episode.score("opponent") == pytest.approx(-1 + 3 * 0.05)
    views = [[message.text for message in seen] for seen in one.model.seen]
    assert all("You are player_0" in view[0] for view in views[::2])
    assert all("You are player_1" in view[0] for view in views[1::2])
    # The agent's last move brings the opponent's loss; it is given for the opponent's own last move.
    mover = [turn.index for turn in episode.turns if turn.role == "opponent"]
    lost = [reward for reward in episode.rewards if (reward.role, reward.name) == ("opponent", "game")]
    assert [(reward.value, reward.turn) for reward in lost] == [(-1.0, mover[-1])]


def test_an_illegal_opponent_ends_the_game_in_a_word() -> None:
    episode = play(
        TicTacToe(),
        the(0),
        agent=lambda messages: "<answer><X(0,0)></answer>",
        opponent=lambda messages: "I resign",
    )
    assert episode.detail == "illegal move"
    assert episode.metrics["invalid"] == 1


def test_a_run_by_name_brings_its_opponent_and_replays(tmp_path: Path) -> None:
    run = turnwise.run(TicTacToe(), "random", limit=20, store=tmp_path / "t.db")
    assert all(log.metrics["won"] == 0 for log in run.logs())
    assert turnwise.replay(run.id, store=tmp_path / "t.db", environment=TicTacToe()).replayed == 20
    second = turnwise.run(TicTacToe(seat="second"), "random", limit=20, store=tmp_path / "t.db")
    assert all(log.metrics["won"] == 0 for log in second.logs())
