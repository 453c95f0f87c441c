"""Bifurcation: exact credits, by hand and by brute force, and the way through the wood."""

from __future__ import annotations

import random
from itertools import permutations, product
from math import sqrt
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import play

import turnwise
from turnwise.environments.bifurcation import Bifurcation, BifurcationTask, Branches
from turnwise.environments.bifurcation.environment import SIGNS, answer
from turnwise.errors import ConfigError, TaskError

TOY = Branches((2, -1, 1, -2), 2)
"""The survey's example."""
TOY_TASK = BifurcationTask(id="toy", weights=(2, -1, 1, -2), threshold=2)

RUNS = st.integers(1, 7).flatmap(
    lambda turns: st.tuples(
        st.lists(st.integers(-3, 3), min_size=turns, max_size=turns),
        st.lists(st.sampled_from((-1, 1)), min_size=turns, max_size=turns),
        st.integers(-6, 6),
        st.sampled_from((0.5, 0.25, 0.75)),
    )
)


def by_trying(branches: Branches, fixed: dict[int, int]) -> float:
    """Probability of success with these turns fixed, from all runs."""
    chance = 0.0
    for run in product((-1, 1), repeat=len(branches.weights)):
        if all(run[turn] == side for turn, side in fixed.items()):
            free = [side for turn, side in enumerate(run) if turn not in fixed]
            probability = 1.0
            for side in free:
                probability *= branches.right if side == 1 else 1 - branches.right
            chance += probability * branches.success(run)
    return chance


def test_the_surveys_example() -> None:
    assert TOY.value(()) == 0.375
    assert TOY.credits((1, -1, 1, 1)) == [0.25, 0.125, 0.25, 0]
    assert TOY.credits((1, 1, 1, -1)) == [0.25, -0.125, 0, 0.5]
    assert sum(TOY.credits((1, -1, 1, 1))) == 0.625 == 1 - TOY.value(())


def test_counterfactual_and_shapley_by_hand() -> None:
    """Two turns of weight 1, both needed: v() = 1/4, v(one) = 1/2, v(both) = 1."""
    both = Branches((1, 0, 1), 2)
    assert both.shapley((1, 1, 1)) == [0.375, 0, 0.375]
    assert both.counterfactual((1, 1, 1)) == [0.5, 0, 0.5]
    assert both.credits((1, 1, 1)) == [0.25, 0, 0.5]
    assert both.counterfactual((1, 1, -1)) == [0, 0, -0.5]
    assert both.counterfactual((-1, 1, -1)) == [0, 0, 0]


@given(RUNS)
def test_values_and_credits_agree_with_trying_everything(run: Any) -> None:
    weights, answers, threshold, right = run
    branches = Branches(weights, threshold, right)
    values = [by_trying(branches, dict(enumerate(answers[:turn]))) for turn in range(len(answers) + 1)]
    assert [branches.value(answers[:turn]) for turn in range(len(answers) + 1)] == pytest.approx(values)
    expected = [values[turn + 1] - values[turn] for turn in range(len(answers))]
    assert branches.credits(answers) == pytest.approx(expected, abs=1e-12)
    outcome = float(branches.success(answers))
    others = [
        outcome - by_trying(branches, {turn: side for turn, side in enumerate(answers) if turn != left_out})
        for left_out in range(len(answers))
    ]
    assert branches.counterfactual(answers) == pytest.approx(others, abs=1e-12)


@given(RUNS)
def test_invariants(run: Any) -> None:
    weights, answers, threshold, right = run
    branches = Branches(weights, threshold, right)
    gain = branches.success(answers) - branches.value(())
    for worth in (branches.credits(answers), branches.shapley(answers)):
        assert sum(worth) == pytest.approx(gain, abs=1e-9)
    for worth in (branches.credits(answers), branches.shapley(answers), branches.counterfactual(answers)):
        assert all(abs(value) < 1e-12 for value, weight in zip(worth, weights, strict=True) if weight == 0)
    for turn in range(len(answers)):
        # Over the policy's own answers, credit is zero on average.
        up = branches.credits([*answers[:turn], 1])[turn]
        down = branches.credits([*answers[:turn], -1])[turn]
        assert right * up + (1 - right) * down == pytest.approx(0, abs=1e-12)


@given(RUNS)
def test_shapley_agrees_with_its_definition(run: Any) -> None:
    weights, answers, threshold, right = run
    branches = Branches(weights[:4], threshold, right)
    answers = answers[:4]
    turns = range(len(answers))
    # Averaged over all orders of joining, instead of the sum over coalitions.
    expected = [0.0] * len(answers)
    every = list(permutations(turns))
    for order in every:
        fixed: dict[int, int] = {}
        for turn in order:
            before = by_trying(branches, fixed)
            fixed[turn] = answers[turn]
            expected[turn] += (by_trying(branches, fixed) - before) / len(every)
    assert branches.shapley(answers) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rollouts", [100, 10_000])
def test_vine_monte_carlo_converges_as_one_over_the_root_of_its_rollouts(rollouts: int) -> None:
    rng, answers = random.Random(1), (1, -1, 1, 1)

    def estimate(prefix: tuple[int, ...]) -> float:
        rest = 4 - len(prefix)
        return mean(
            TOY.success((*prefix, *(rng.choice((-1, 1)) for _ in range(rest)))) for _ in range(rollouts)
        )

    values = [estimate(answers[:turn]) for turn in range(5)]
    for before, after, exact in zip(values, values[1:], TOY.credits(answers), strict=False):
        # Four standard deviations of a difference of two means of Bernoulli draws.
        assert after - before == pytest.approx(exact, abs=4 * sqrt(0.5 / rollouts))


def test_exact_credits_of_a_played_episode() -> None:
    replies = ["right", "hm?", "I go LEFT, not right... left", "right", "right"]
    environment = Bifurcation(horizon=4)
    episode = play(environment, TOY_TASK, agent=lambda messages: replies[len(messages) // 2])
    worth = environment.exact_credits(TOY_TASK, episode.turns)
    assert list(worth.values()) == [0.25, 0, 0.125, 0.25, 0]
    assert [episode.turns[index].text for index in worth] == replies
    assert (episode.score(), episode.detail, episode.metrics["invalid"]) == (1, "arrived", 1)
    shapley = environment.exact_credits(TOY_TASK, episode.turns, "shapley")
    assert sum(shapley.values()) == pytest.approx(0.625)
    others = environment.exact_credits(TOY_TASK, episode.turns, "counterfactual")
    # The sum is 2 + 1 + 1 - 2 = 2: answered otherwise, any turn but the last one loses the way.
    assert list(others.values()) == [0.5, 0, 0.5, 0.5, 0]
    keys = [note.value for note in episode.notes if note.name == "state"]
    assert keys == ["0 0", "1 2", "1 2", "2 3", "3 4"]


def test_observations_name_the_tree_of_each_weight() -> None:
    episode = play(Bifurcation(horizon=4), TOY_TASK, agent=lambda messages: "left")
    told = [turn.text for turn in episode.turns if turn.role == "environment"]
    for text, weight in zip(told, TOY_TASK.weights, strict=False):
        assert text.endswith(f"stands {SIGNS[weight]}.")
    assert told[-1] == "You are lost."


def test_drawn_ways_have_k_decisive_forks_and_about_the_chance() -> None:
    environment = Bifurcation(horizon=20, decisive=5, chance=0.3)
    for task in environment.tasks():
        branches = environment.branches(task)
        assert (len(branches.weights), sum(map(bool, branches.weights))) == (20, 5)
        assert 0 < branches.value(()) < 1
        assert branches.value(()) == pytest.approx(0.3, abs=0.2)
        best = [1 if weight > 0 else -1 for weight in branches.weights]
        assert branches.success(best)


def test_random_players_arrive_as_often_as_the_value_says(tmp_path: Path) -> None:
    run = turnwise.run(
        Bifurcation(horizon=4), "random", tasks=[TOY_TASK], epochs=400, store=tmp_path / "t.db"
    )
    # Four standard deviations of 400 draws are 0.097.
    assert run.score.mean == pytest.approx(0.375, abs=0.097)


def test_long_ways_are_quick_to_make() -> None:
    environment = Bifurcation(horizon=200, decisive=200)
    task = environment.tasks()[0]
    assert play(environment, task, agent=environment.agents()["solver"]).score() == 1
    assert len(environment.branches(task).credits([1] * 200)) == 200


@given(st.text())
def test_any_text_is_a_way_or_an_observation(text: str) -> None:
    world = Bifurcation().world(BifurcationTask(id="t", seed=1), random.Random(0))
    valid = world.step(text).valid
    assert valid == (answer(text) is not None)
    assert ("Reply left or right" in world.observe()) != valid


def test_the_picture_shows_the_forks_in_rows() -> None:
    world = Bifurcation(horizon=30).world(TOY_TASK, random.Random(0))
    world.step("right")
    world.step("right")
    board = world.picture()
    assert ["".join(cell.text for cell in row) for row in board.rows] == [">>??"]
    near, away = (cell.paper for cell in board.rows[0][:2])
    assert (near, away) == ("#86efac", "#fca5a5")
    long = Bifurcation(horizon=30).world(BifurcationTask(id="t", seed=1), random.Random(0)).picture()
    assert [len(row) for row in long.rows] == [25, 25]
    assert "".join(cell.text for row in long.rows for cell in row).rstrip() == "?" * 30


def test_what_is_refused() -> None:
    with pytest.raises(ConfigError, match="decisive <= horizon"):
        Bifurcation(horizon=2, decisive=3)
    with pytest.raises(ConfigError, match="chance"):
        Bifurcation(chance=1)
    with pytest.raises(TaskError, match="weights from -3 to 3"):
        BifurcationTask(id="t", weights=(4,))
    with pytest.raises(TaskError, match="expected at most horizon = 3"):
        Bifurcation(horizon=3).branches(TOY_TASK)
    with pytest.raises(ValueError, match="expected 4 answers"):
        TOY.success((1,))
    with pytest.raises(ValueError, match="at most 14"):
        Branches([1] * 15, 1).shapley([1] * 15)
