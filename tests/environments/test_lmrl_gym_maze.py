"""LMRL-Gym's maze: the official texts, costs and ends, its players, and the scale of its scores."""

from __future__ import annotations

import asyncio
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.lmrl_gym.maze import FREE, GOAL, MOVES, PLAN, STARTS, Maze
from turnwise.environments.lmrl_gym.normalised import SCALES, Scale
from turnwise.environments.parts.world import WorldTask
from turnwise.errors import ConfigError
from turnwise.message import assistant
from turnwise.model import Request


def at(row: int, col: int) -> WorldTask:
    """The task that starts there."""
    return WorldTask(id=f"{row},{col}", seed=STARTS.index((row, col)))


def saying(*replies: str) -> Any:
    """An agent that says these, and then the last one on and on."""
    return lambda messages: replies[min(len(messages) // 2, len(replies) - 1)]


def told(episode: Any) -> list[str]:
    return [turn.text for turn in episode.turns if turn.role == "environment"]


PLAIN = Maze(rules=False)


def test_the_plan_has_the_published_cells() -> None:
    assert len(FREE) == 26
    assert [row for row, _ in FREE].count(1) == 10
    assert [row for row, _ in FREE].count(5) == 7
    assert {(row, 6) for row in (6, 7, 8)} <= set(FREE)
    assert {len(line) for line in PLAN} == {13}
    assert GOAL == (8, 6)


def test_consecutive_tasks_are_all_starts() -> None:
    tasks = list(Maze().tasks())
    assert len(tasks) == 25
    assert {Maze().world(task).place for task in tasks} == set(STARTS)


def test_what_is_seen_is_the_official_text() -> None:
    fully = play(PLAIN, at(1, 10), agent=saying("move left", "move down", "move down"))
    assert told(fully)[:4] == [
        "The goal is at position 8, 6. Your current position is at position 1, 1 0. There are walls above "
        "you, below you.\n",
        "The goal is at position 8, 6. Your current position is at position 1, 9. There is a wall above "
        "you.\n",
        "The goal is at position 8, 6. Your current position is at position 2, 9. There are walls to your "
        "right, to your left.\n",
        "The goal is at position 8, 6. Your current position is at position 3, 9. There are walls to your "
        "right, to your left.\n",
    ]
    partly = play(Maze(observed="partially", rules=False), at(1, 1), agent=saying("move right"))
    assert told(partly)[:2] == [
        "There are walls to your left, above you, below you.\n",
        "There are walls above you, below you.\n",
    ]


def test_rules_are_told_once_and_change_nothing_else() -> None:
    loud = play(Maze(), at(7, 6), agent=saying("jump", "move down"))
    quiet = play(PLAIN, at(7, 6), agent=saying("jump", "move down"))
    assert told(loud)[0].endswith("\n\n" + told(quiet)[0])
    assert "exactly one of" in told(loud)[0]
    assert told(loud)[1:] == told(quiet)[1:]


def test_the_far_corner_takes_twelve_moves_and_costs_eleven() -> None:
    way = ["move right"] * 2 + ["move down"] * 4 + ["move right"] * 3 + ["move down"] * 3
    episode = play(PLAIN, at(1, 1), agent=saying(*way))
    assert [reward.value for reward in episode.rewards] == [-1.0] * 11 + [0.0]
    assert (episode.score(), episode.detail, episode.metrics["success"]) == (-11, "success", 1)
    assert told(episode)[-1] == "Success\n"


def test_a_dead_end_ends_with_the_101st_move() -> None:
    episode = play(PLAIN, at(1, 1), agent=saying("move up"))
    assert (episode.score(), len(episode.rewards), episode.detail) == (-101, 101, "failure")
    assert told(episode)[-1] == "Failure\n"
    assert episode.metrics["invalid"] == 0


def test_the_101st_reply_fails_even_where_it_would_reach_the_goal() -> None:
    episode = play(PLAIN, at(7, 6), agent=saying(*["move left"] * 100, "move down"))
    assert (episode.score(), episode.detail, episode.metrics["success"]) == (-101, "failure", 0)


@pytest.mark.parametrize(
    "junk", ["", "up", "move up ", "Move up", "move up.", "move up\n\n", "٣", "x" * 10_000]
)
def test_junk_costs_four_each_and_moves_nobody(junk: str) -> None:
    episode = play(PLAIN, at(7, 6), agent=saying(junk, junk, "move down\n"))
    assert [reward.value for reward in episode.rewards] == [-4, -4, 0]
    assert told(episode)[0] == told(episode)[1] == told(episode)[2]
    assert episode.metrics["invalid"] == 2


def test_nothing_but_junk_is_the_worst_that_can_be() -> None:
    episode = play(PLAIN, at(1, 1), agent=saying("no"))
    assert episode.score() == -401 == PLAIN.reward_range[0]


def test_the_solver_averages_the_published_best_over_all_starts(tmp_path: Path) -> None:
    for environment in (Maze(), Maze(observed="partially")):
        run = turnwise.run(environment, "solver", store=tmp_path / "runs.db")
        scores = [episode.score for episode in run.episodes()]
        assert len(scores) == 25
        assert mean(scores) == pytest.approx(-6.84)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([*MOVES, "junk"]), max_size=30), st.integers(0, 24))
def test_the_solver_takes_over_anywhere(begun: list[str], seed: int) -> None:
    world = PLAIN.world(task := WorldTask(id="0", seed=seed))
    for reply in begun:
        if world.over:
            return
        world.step(reply)
    solver = PLAIN.agents()["solver"]
    view = [assistant(reply) for reply in begun]
    while not world.over:
        before = world.taken
        view.append(asyncio.run(solver.sample(Request(messages=view, task=task))).message)
        world.step(view[-1].text)
        assert world.taken == before + 1
    assert world.outcome == "success"
    assert world.taken - len(begun) <= 12


def test_more_skill_scores_more_and_the_mix_averages_as_the_data_set(tmp_path: Path) -> None:
    def score(agent: str, epochs: int) -> float:
        run = turnwise.run(Maze(), agent, epochs=epochs, seed=1, store=tmp_path / "runs.db")
        return mean(episode.score for episode in run.episodes())

    scores = [score(agent, 6) for agent in ("random", "skill10", "skill25", "skill50", "skill75", "solver")]
    assert scores == sorted(scores)
    # Exact means by dynamic programming over the 101 moves: -85.89, -64.13, -33.05, -15.24, -9.58.
    for seen, exact in zip(scores, (-85.89, -64.13, -33.05, -15.24, -9.58, -6.84), strict=True):
        assert seen == pytest.approx(exact, abs=8)
    assert score("mixed", 8) == pytest.approx(-83.07, abs=8)


def test_scores_are_normalised_as_published() -> None:
    scale = Maze().scale
    # Raw scores in the official script; the last three are in the paper's table, too.
    raw_scores = (-72.1, -56.4, -48.1, -6.97, -37.7, -40.12)
    assert [round(scale.normalised(raw), 1) for raw in raw_scores] == [57.2, 67.5, 72.9, 99.9, 79.7, 78.2]
    assert (scale.normalised(-101), scale.normalised(-83), scale.normalised(-6.84)) == (0, 50, 100)
    assert round(Maze(observed="partially").scale.normalised(-52.9), 1) == 76.3
    assert round(SCALES["chess"].normalised(-22.3), 1) == 47.2
    assert round(SCALES["chess"].normalised(-16), 1) == 48.0
    assert round(SCALES["endgames"].normalised(0.814), 1) == 77.5


@given(st.floats(-500, 500), st.floats(-500, 500))
def test_a_better_score_is_normalised_to_more(one: float, other: float) -> None:
    scale = Scale(-101, -83, -6.84)
    assert (one <= other) <= (scale.normalised(one) <= scale.normalised(other))


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match="max_steps >= 1"):
        Maze(max_steps=0)


def test_the_picture_shows_player_and_goal() -> None:
    board = PLAIN.world(at(1, 1)).picture()
    assert (len(board.rows), {len(row) for row in board.rows}) == (10, {13})
    assert (board.rows[8][6].text, board.rows[1][1].text) == ("★", "●")
