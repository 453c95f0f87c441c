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
from turnwise.task import Task, TaskSet

TASK = Task(id="0")


def saying(*replies: str) -> Any:
    """An agent that says these, one after the other."""
    return lambda messages: replies[len(messages) // 2]


def secret_of(seed: int, low: int = 1, high: int = 100) -> int:
    return random.Random(seed).randint(low, high)


def test_hints_lead_to_the_number() -> None:
    secret = secret_of(3)
    assert 1 < secret < 100
    episode = play(NumberGuess(), TASK, agent=saying("1", "100", f"Is it {secret}?"), seed=3)
    told = [turn.text for turn in episode.turns if turn.role == "environment"]
    assert told[0] == "I think of a whole number from 1 to 100. Guess it: answer with one number."
    assert told[1:] == ["higher", "lower"]
    assert (episode.score(), episode.metrics["guesses"]) == (1, 3)
    assert [(reward.turn, reward.name) for reward in episode.rewards] == [(5, "correct")]


@given(st.text().filter(lambda text: not any(letter.isdigit() for letter in text)))
def test_a_reply_without_a_number_is_told_so_and_costs_a_turn(reply: str) -> None:
    secret = str(secret_of(0))
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
    episodes = [play(environment, TASK, agent=solver, seed=seed) for seed in range(300)]
    assert {episode.score() for episode in episodes} == {1}
    guesses = [episode.metrics["guesses"] for episode in episodes]
    # A balanced search tree of 100 has 1, 2, 4, 8, 16, 32 numbers at depths 1 to 6 and 37 at 7: mean 5.80.
    assert max(guesses) == 7
    assert mean(guesses) == pytest.approx(5.8, abs=0.2)


@given(st.integers(-50, 50), st.integers(0, 1000), st.integers(0, 9))
def test_the_solver_finds_any_number_of_any_range(low: int, width: int, seed: int) -> None:
    environment = NumberGuess(low=low, high=low + width, max_turns=10)
    assert play(environment, TASK, agent=environment.agents()["solver"], seed=seed).score() == 1


def test_blind_guesses_seldom_hit() -> None:
    environment = NumberGuess()
    blind = environment.agents()["random"]
    # Ten guesses of a hundred: 1 - 0.99 ** 10 = 9.6 %.
    assert mean(play(environment, TASK, agent=blind, seed=seed).score() or 0 for seed in range(300)) < 0.2


def test_a_hundred_tasks_and_only_possible_settings() -> None:
    assert len(TaskSet(NumberGuess().tasks())) == 100
    with pytest.raises(ConfigError, match="expected low <= high"):
        NumberGuess(low=5, high=4)
    with pytest.raises(ConfigError, match="max_turns"):
        NumberGuess(max_turns=0)
