"""Number guess: hints, turns, and the two agents."""

from __future__ import annotations

import random
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

from turnwise.environments.games.number_guess import NumberGuess
from turnwise.errors import ConfigError
from turnwise.log import Stop
from turnwise.task import Task, TaskSet

TASK = Task(id="0")


def saying(*replies: str) -> Any:
    """An agent that says these, one after the other."""
    return lambda messages: replies[len(messages) // 2]


def task(number: int) -> Task:
    return Task(id=str(number))


def task_of(secret: int) -> Task:
    """A task whose number this is."""
    return next(task(number) for number in range(10_000) if NumberGuess().secret(task(number)) == secret)


def test_hints_lead_to_the_number() -> None:
    episode = play(NumberGuess(), task_of(37), agent=saying("1", "100", "Is it 37?"))
    told = [turn.text for turn in episode.turns if turn.role == "environment"]
    assert told[0] == "I think of a whole number from 1 to 100. Guess it: answer with one number."
    assert told[1:] == ["higher", "lower"]
    assert (episode.score(), episode.metrics["guesses"]) == (1, 3)
    assert [(reward.turn, reward.name) for reward in episode.rewards] == [(5, "correct")]


@given(st.text().filter(lambda text: not any(letter.isdigit() for letter in text)))
def test_a_reply_without_a_number_is_told_so_and_costs_a_turn(reply: str) -> None:
    secret = str(NumberGuess().secret(TASK))
    episode = play(NumberGuess(max_turns=2), TASK, agent=saying(reply, secret))
    assert "no number" in episode.turns[2].text
    assert (episode.score(), episode.metrics["guesses"]) == (1, 2)
    assert play(NumberGuess(max_turns=1), TASK, agent=saying(reply)).score() == 0


def test_a_number_of_any_length_is_only_wrong() -> None:
    episode = play(NumberGuess(max_turns=2), TASK, agent=saying("9" * 100_000, "-5"))
    assert (episode.turns[2].text, episode.score()) == ("lower", 0)


def test_turns_are_limited() -> None:
    episode = play(NumberGuess(max_turns=4), TASK, agent=lambda messages: "0")
    assert sum(turn.role == "agent" for turn in episode.turns) == 4
    assert (episode.score(), episode.metrics["guesses"]) == (0, 4)


def test_binary_search_needs_at_most_seven_guesses_for_a_hundred_numbers() -> None:
    environment = NumberGuess()
    solver = environment.agents()["solver"]
    episodes = [play(environment, task(number), agent=solver) for number in range(300)]
    assert {episode.score() for episode in episodes} == {1}
    guesses = [episode.metrics["guesses"] for episode in episodes]
    # A balanced search tree of 100 has 1, 2, 4, 8, 16, 32 numbers at depths 1 to 6 and 37 at 7: mean 5.80.
    assert max(guesses) == 7
    assert mean(guesses) == pytest.approx(5.8, abs=0.2)


@given(st.integers(-50, 50), st.integers(0, 1000), st.integers(0, 99))
def test_the_solver_finds_any_number_of_any_range(low: int, width: int, number: int) -> None:
    environment = NumberGuess(low=low, high=low + width, max_turns=10)
    assert low <= environment.secret(task(number)) <= low + width
    assert play(environment, task(number), agent=environment.agents()["solver"]).score() == 1


@pytest.mark.parametrize("horizon", [1, 5, 20, 200])
def test_the_horizon_is_what_halving_needs_at_most(horizon: int) -> None:
    environment = NumberGuess(horizon=horizon)
    assert environment.highest == 2**horizon - 1
    assert environment.max_replies == 2 * horizon
    solver = environment.agents()["solver"]
    guesses = [
        play(environment, row, agent=solver).metrics["guesses"] for row in list(environment.tasks())[:40]
    ]
    # Half of all numbers are leaves of the search tree.
    assert max(guesses) == horizon


def test_all_episodes_of_a_task_hide_the_same_number_and_splits_differ() -> None:
    told = [play(NumberGuess(max_turns=2), task(5), agent=saying("50", "1"), seed=seed) for seed in range(3)]
    assert len({episode.turns[2].text for episode in told}) == 1
    assert not {row.id for row in NumberGuess().tasks()} & {
        row.id for row in NumberGuess(split="train").tasks()
    }


def test_the_state_is_what_is_left() -> None:
    episode = play(NumberGuess(max_turns=4), task_of(37), agent=saying("50", "what?", "20", "60"))
    assert [note.value for note in episode.notes] == ["1-100", "1-49", "1-49", "21-49"]
    assert (episode.stop, episode.detail, episode.metrics["invalid"]) == (Stop.MAX_TURNS, "out of turns", 1)


def test_the_picture_shows_what_is_left() -> None:
    world = NumberGuess().world(task_of(37), random.Random(0))
    world.step("50")
    board = world.picture()
    assert board.caption == "left: 1 to 49"
    # Two numbers a cell: 1 to 49 are the first 25, the last of which holds the guess, too.
    assert [cell.paper for cell in board.rows[0]].count("#86efac") == 24


def test_blind_guesses_seldom_hit() -> None:
    environment = NumberGuess()
    blind = environment.agents()["random"]
    # Ten guesses of a hundred: 1 - 0.99 ** 10 = 9.6 %.
    assert (
        mean(play(environment, task(seed), agent=blind, seed=seed).score() or 0 for seed in range(300)) < 0.2
    )


def test_a_hundred_tasks_and_only_possible_settings() -> None:
    assert len(TaskSet(NumberGuess().tasks())) == 100
    with pytest.raises(ConfigError, match="expected low <= high"):
        NumberGuess(low=5, high=4)
    with pytest.raises(ConfigError, match="max_turns"):
        NumberGuess(max_turns=0)
    with pytest.raises(ConfigError, match="horizon 1-1000"):
        NumberGuess(horizon=0)
