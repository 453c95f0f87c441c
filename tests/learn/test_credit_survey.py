"""The credit survey's families: the card's numbers, and what must hold for all numbers."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.bifurcation import Branches
from turnwise.errors import ConfigError
from turnwise.judges import rating_judge
from turnwise.learn import credit
from turnwise.learn.batch import Turns
from turnwise.learn.credit.counterfactual import leave_one_out
from turnwise.learn.credit.decomposition import (
    difference_credits,
    fit_parts,
    fit_prefixes,
    fit_ridge,
    part_credits,
)
from turnwise.learn.credit.hindsight import hindsight_credits, hindsight_logprobs
from turnwise.learn.credit.implicit import implicit_rewards, itpo_credits, itpo_weights
from turnwise.learn.credit.information import information_gain
from turnwise.learn.credit.judge import judge_credits, judged_turns, scores_by_turn
from turnwise.learn.credit.shapley import shapley_sampled, shapley_values
from turnwise.learn.credit.softmin import softmin_rewards, softmin_weights
from turnwise.learn.credit.spans import firsts, lasts, softmax, sums
from turnwise.learn.credit.vine import values_from_rollouts, vine_credits
from turnwise.log import EpisodeLog, Turn
from turnwise.message import Message
from turnwise.verdict import Verdict, no_verdict

TOY = Branches((2, -1, 1, -2), 2)
EVERY = list(product((-1, 1), repeat=4))
"""All 16 runs of the toy."""


def one(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.float64)


def same(count: int) -> np.ndarray[Any, Any]:
    """Turns of one episode."""
    return np.zeros(count, dtype=np.int64)


@st.composite
def episodes(draw: Any) -> tuple[Any, Any]:
    """Numbers of episodes, and one value a turn."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    episode = np.repeat(np.arange(len(sizes)), sizes)
    values = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 3))
    return episode, np.array(draw(st.lists(values, min_size=len(episode), max_size=len(episode))))


# The card's numbers -----------------------------------------------------------------------------------


def test_vine_from_the_exact_values_is_the_cards_credit() -> None:
    for answers, expected in (
        ((1, -1, 1, 1), [0.25, 0.125, 0.25, 0]),
        ((1, 1, 1, -1), [0.25, -0.125, 0, 0.5]),
    ):
        before = one(*(TOY.value(answers[:turn]) for turn in range(4)))
        found = vine_credits(before, one(float(TOY.success(answers))), same(4))
        assert found == pytest.approx(expected, abs=1e-12)


def test_shapley_of_two_turns() -> None:
    assert shapley_values(one(0, 0.2, 0.5, 1)) == pytest.approx([0.35, 0.65], abs=1e-12)


def test_softmin_at_a_tenth() -> None:
    reward = one(0.9, 0.2, 0.6)
    # exp(-9), exp(-2), exp(-6), over their sum.
    powers = np.exp([-9.0, -2.0, -6.0])
    assert softmin_weights(reward, same(3)) == pytest.approx(powers / powers.sum(), abs=1e-9)
    assert softmin_weights(reward, same(3)) == pytest.approx([0.0009, 0.9811, 0.0180], abs=5e-5)
    assert softmin_rewards(reward, same(3)) == pytest.approx([0.0008, 0.1962, 0.0108], abs=5e-5)


def test_information_gain_telescopes_to_three_quarters() -> None:
    found = information_gain(one(0.5, 0.4, 1), one(0.25), same(3))
    assert found == pytest.approx([0.25, -0.1, 0.6], abs=1e-12)
    assert found.sum() == pytest.approx(0.75)
    ended = {"outcome": one(1.0)}
    assert information_gain(one(0.5, 0.4, 1), one(0.25), same(3), **ended)[2] == pytest.approx(1.6)
    assert information_gain(one(0.5, 0.4, 1), one(0.25), same(3), last="alone", **ended)[2] == 1.0
    nats = information_gain(one(0.5, 0.25), one(0.25), same(2), scale="log")
    assert nats == pytest.approx([np.log(2), -np.log(2)])


def test_itpo_shares() -> None:
    implicit = one(0.3, 0.05, -0.1)
    assert itpo_weights(implicit, same(3)) == pytest.approx([0.4083, 0.3180, 0.2737], abs=5e-5)
    assert itpo_weights(implicit, same(3)) == pytest.approx(
        np.exp(implicit) / np.exp(implicit).sum(), abs=1e-12
    )
    assert itpo_credits(implicit, one(-2.0), same(3)).sum() == pytest.approx(-2)


def test_implicit_rewards_sum_log_ratios_over_sampled_tokens() -> None:
    logprob, reference = one(-1, -9, -0.5, -2, -3), one(-1.5, -1, -1, -1, -3)
    turn = np.array([0, -1, 0, 1, 1])
    # 2 (0.5 + 0.5), 2 (-1 + 0), and a third turn without tokens.
    assert implicit_rewards(logprob, reference, turn, turns=3, beta=2.0) == pytest.approx([2, -2, 0])


def test_hindsight_by_hand() -> None:
    # Half as likely before as after: (1 - 1/2) 2; as likely: 0; twice: (1 - 2) 2.
    logprob, given_outcome = np.log(one(0.25, 0.5, 0.5)), np.log(one(0.5, 0.5, 0.25))
    assert hindsight_credits(logprob, given_outcome, one(2.0), same(3)) == pytest.approx([1, 0, -2])
    assert hindsight_credits(np.log(one(1.0)), np.log(one(1e-9)), one(1.0), same(1)) == pytest.approx([-9])


def test_hindsight_counts() -> None:
    """Four episodes of one turn in one state: of the two that won, both went 1; the policy is even."""
    state, action = same(4), np.array([1, 1, 0, 1])
    won, half, episode = one(1, 1, 0, 0), np.log(np.full(4, 0.5)), np.arange(4)
    found = np.exp(hindsight_logprobs(state, action, won, episode, half, prior=0.0))
    assert found == pytest.approx([1, 1, 0.5, 0.5])
    found = np.exp(hindsight_logprobs(state, action, won, episode, half, prior=2.0))
    assert found == pytest.approx([3 / 4, 3 / 4, 2 / 4, 2 / 4])


def test_judge_scores_are_compared_at_equal_steps() -> None:
    score, episode = one(4, 9, 6, 5, 8, np.nan), np.array([0, 0, 1, 1, 2, 2])
    found = judge_credits(score, episode, np.array([0, 1] * 3), same(3), epsilon=0.0)
    # First steps 4, 6, 8: mean 6, deviation 2. Second steps 9 and 5, one missing: mean 7, deviation sqrt 8.
    assert found[:5] == pytest.approx([-1, 4 / np.sqrt(8) / 2, 0, -4 / np.sqrt(8) / 2, 1])
    assert np.isnan(found[5])
    plain = judge_credits(score, episode, np.array([0, 1] * 3), same(3), deviation="none")
    assert plain[:5] == pytest.approx([-2, 2, 0, -2, 2])


def test_verdicts_stand_with_their_turns_and_missing_ones_stay_missing() -> None:
    said = Message(role="assistant", content="x")
    log = EpisodeLog(
        environment="e",
        task={},
        turns=tuple(Turn(index=n, role="agent" if n % 2 else "environment", message=said) for n in range(6)),
    )
    verdicts = [
        Verdict(score=7, evidence=(1,)),
        no_verdict("mute", evidence=(3,)),
        Verdict(score=2, evidence=(5,)),
    ]
    found = scores_by_turn(log, [*verdicts, Verdict(score=4, evidence=(5,))])
    assert found[[0, 2]] == pytest.approx([7, 3])
    assert np.isnan(found[1])


def test_a_judge_is_asked_about_each_turn_and_what_it_mumbles_is_missing() -> None:
    """It likes what is short, and cannot make up its mind about `hm`."""
    turns = [
        Turn(
            index=n, role="agent" if n % 2 else "environment", message=Message(role="assistant", content=said)
        )
        for n, said in enumerate(["go", "yes", "and?", "hm", "well?", "whatever you say"])
    ]
    log = EpisodeLog(environment="e", task={}, turns=tuple(turns))

    async def ask(prompt: str) -> str:
        said = prompt.split("Response to rate:\n")[1].split("\n")[0]
        return "no idea" if said == "hm" else f'{{"Score": {10 if len(said) < 5 else 2}}}'

    found = asyncio.run(judged_turns(log, rating_judge("Short is good."), ask))
    assert found[[0, 2]] == pytest.approx([10, 2])
    assert np.isnan(found[1])


def test_return_decomposition_by_hand() -> None:
    predicted, start, outcome = one(0.5, 0.25), one(0.25), one(1.0)
    # Differences .25 and -.25; .75 is left unexplained.
    cases = {"none": [0.25, -0.25], "last": [0.25, 0.5], "even": [0.625, 0.125]}
    for rest, expected in cases.items():
        found = difference_credits(predicted, start, outcome, same(2), rest=rest)  # type: ignore[arg-type]
        assert found == pytest.approx(expected)
    assert part_credits(one(0.5, 0.25), one(1.0), same(2)) == pytest.approx([0.625, 0.375])


# What holds for all numbers ---------------------------------------------------------------------------


@given(episodes())
def test_what_sums_to_the_outcome(drawn: Any) -> None:
    episode, values = drawn
    count = int(episode[-1]) + 1
    outcome, start = np.arange(count) * 0.7 - 1, np.arange(count) * 0.1
    ones = {
        "differences": (difference_credits(values, start, outcome, episode), outcome - start),
        "parts": (part_credits(values, outcome, episode, rest="last"), outcome),
        "itpo": (itpo_credits(values, outcome, episode), outcome),
        "vine": (vine_credits(values, outcome, episode), outcome - values[firsts(episode)]),
        "information": (
            information_gain(values / 6 + 0.5, start, episode),
            values[lasts(episode)] / 6 + 0.5 - start,
        ),
    }
    for name, (found, whole) in ones.items():
        assert sums(found, episode, count) == pytest.approx(whole, abs=1e-9), name


@given(episodes(), st.sampled_from((0.05, 0.5, 50.0)))
def test_softmin_lies_between_the_least_and_the_mean(drawn: Any, temperature: float) -> None:
    episode, values = drawn
    whole = sums(softmin_rewards(values, episode, temperature=temperature), episode, int(episode[-1]) + 1)
    for number, total in enumerate(whole):
        mine = values[episode == number]
        assert mine.min() - 1e-9 <= total <= mine.mean() + 1e-9
        if temperature == 0.05:
            assert total <= mine.min() + 0.05 * np.log(len(mine)) + 1e-9


@given(episodes(), st.randoms(use_true_random=False))
def test_the_order_of_episodes_changes_nothing(drawn: Any, rng: Any) -> None:
    episode, values = drawn
    count = int(episode[-1]) + 1
    outcome = np.linspace(-1, 1, count)
    index = np.concatenate([np.arange(n) for n in np.bincount(episode)])
    order = list(range(count))
    rng.shuffle(order)
    takes = np.concatenate([np.flatnonzero(episode == number) for number in order])
    moved = np.repeat(np.arange(count), np.bincount(episode)[order])
    methods = {
        "softmin": lambda e, v, _r, _i: softmin_rewards(v, e),
        "itpo": lambda e, v, r, _i: itpo_credits(v, r, e),
        "vine": lambda e, v, r, _i: vine_credits(v, r, e),
        "left out": lambda e, v, r, _i: leave_one_out(r, v, e),
        "differences": lambda e, v, r, _i: difference_credits(v, r * 0, r, e),
        "judge": lambda e, v, _r, i: judge_credits(v, e, i, same(count)),
        "hindsight": lambda e, v, r, _i: hindsight_credits(v, v * 0.5, r, e),
    }
    for name, way in methods.items():
        straight = way(episode, values, outcome, index)
        assert way(moved, values[takes], outcome[order], index[takes]) == pytest.approx(
            straight[takes], abs=1e-9
        ), name


@given(episodes(), st.data())
def test_judge_credits_have_mean_zero_at_each_step(drawn: Any, data: Any) -> None:
    episode, values = drawn
    score = values.copy()
    score[data.draw(st.lists(st.integers(0, len(score) - 1)))] = np.nan
    index = np.concatenate([np.arange(n) for n in np.bincount(episode)])
    found = judge_credits(score, episode, index, same(int(episode[-1]) + 1))
    assert (np.isnan(found) == np.isnan(score)).all()
    for step in set(index):
        assert np.nansum(found[index == step]) == pytest.approx(0, abs=1e-6)


def test_a_lone_score_has_nothing_to_be_compared_with() -> None:
    assert judge_credits(one(9.0), same(1), same(1), same(1)) == pytest.approx([0])


@given(st.lists(st.floats(-2, 2), min_size=16, max_size=16), st.permutations(range(4)))
def test_shapley_permutes_with_its_players(worth: list[float], order: list[int]) -> None:
    values = shapley_values(np.array(worth))
    moved = [worth[sum(1 << player for slot, player in enumerate(order) if s >> slot & 1)] for s in range(16)]
    assert shapley_values(np.array(moved)) == pytest.approx(values[order], abs=1e-9)
    assert values.sum() == pytest.approx(worth[-1] - worth[0], abs=1e-9)


@given(st.sampled_from(EVERY), st.integers(1, 6))
def test_sampled_shapley_sums_exactly_and_gives_nothing_to_who_changes_nothing(
    answers: tuple[int, ...], orders: int
) -> None:
    branches = Branches((2, 0, 1, -2), 2)
    worth = coalition(branches, answers)
    values = shapley_sampled(worth, 4, orders=orders)
    assert values.sum() == pytest.approx(branches.success(answers) - branches.value(()), abs=1e-12)
    assert values[1] == 0


def test_shapley_of_all_coalitions_and_of_many_orders_is_the_environments_own() -> None:
    answers = (1, -1, 1, 1)
    worth = coalition(TOY, answers)
    every = [frozenset(p for p in range(4) if place >> p & 1) for place in range(16)]
    exact = shapley_values(np.array([worth(members) for members in every]))
    assert exact == pytest.approx(TOY.shapley(answers), abs=1e-12)
    assert shapley_sampled(worth, 4, orders=4000) == pytest.approx(exact, abs=0.02)


def coalition(branches: Branches, answers: tuple[int, ...]) -> Any:
    """What a coalition is worth, by trying all answers of the others."""

    def worth(members: frozenset[int]) -> float:
        fits = [run for run in EVERY if all(run[turn] == answers[turn] for turn in members)]
        return sum(branches.success(run) for run in fits) / len(fits)

    return worth


@given(st.sampled_from([(2, -1, 1, -2), (2, 0, 1, -2), (1, 0, 0, 1)]), st.integers(-1, 3))
def test_exact_methods_on_all_runs_have_mean_zero_and_ignore_what_decides_nothing(
    weights: tuple[int, ...], threshold: int
) -> None:
    """Under the even policy all 16 runs are as likely: the mean over them is the mean under the policy."""
    branches = Branches(weights, threshold)
    episode, action = np.repeat(np.arange(16), 4), np.array(EVERY).ravel()
    outcome = one(*(branches.success(run) for run in EVERY))
    before = one(*(branches.value(run[:turn]) for run in EVERY for turn in range(4)))
    state = np.array([100 * t + branches.total(run[:t]) for run in EVERY for t in range(4)])
    half = np.full(64, np.log(0.5))
    given_outcome = hindsight_logprobs(state, action, outcome, episode, half, prior=0.0)
    anew = one(*(float(o) for run, o in zip(EVERY, outcome, strict=True) for o in [o] * 4))
    anew -= one(*(worth for run in EVERY for worth in branches.counterfactual(run)))
    found = {
        "vine": vine_credits(before, outcome, episode),
        "counterfactual": leave_one_out(outcome, anew, episode),
        "hindsight": hindsight_credits(half, given_outcome, outcome, episode, most=1e9),
    }
    exact = np.concatenate([branches.credits(run) for run in EVERY])
    assert found["vine"] == pytest.approx(exact, abs=1e-12)
    idle = np.tile(np.array(weights) == 0, 16)
    for name, worth in found.items():
        assert worth[idle] == pytest.approx(0, abs=1e-9), name
    # Averaged over what may follow a choice, all three are its advantage.
    for turn, side in product(range(4), (-1, 1)):
        chosen = (np.arange(64) % 4 == turn) & (action == side)
        for name in ("vine", "counterfactual"):
            assert found[name][chosen].mean() == pytest.approx(exact[chosen].mean(), abs=1e-9), name
        for key in set(state[chosen]):
            here = chosen & (state == key)
            if set(outcome[episode[here]]) == set(outcome[episode[state == key]]):
                assert found["hindsight"][here].mean() == pytest.approx(exact[here].mean(), abs=1e-9)


def test_a_regressor_finds_what_each_answer_is_worth() -> None:
    """Parts of a linear outcome are found exactly; prefixes predict the mean of what follows."""
    answers = np.array(EVERY, dtype=np.float64)
    outcome = answers @ one(2, 0, 1, -2) + 3
    episode = np.repeat(np.arange(16), 4)
    features = np.zeros((64, 4))
    features[np.arange(64), np.arange(64) % 4] = answers.ravel()
    parts, constant = fit_parts(features, outcome, episode, ridge=1e-9)
    assert parts == pytest.approx((answers * one(2, 0, 1, -2)).ravel(), abs=1e-6)
    assert constant == pytest.approx(3)
    # Each prefix: the answers so far. What is not yet answered is 0 on average.
    prefix = np.where(np.arange(4) <= np.arange(64)[:, None] % 4, np.repeat(answers, 4, axis=0), 0.0)
    predicted, start = fit_prefixes(prefix, outcome, episode, ridge=1e-9)
    found = difference_credits(predicted, start, outcome, episode)
    assert found == pytest.approx((answers * one(2, 0, 1, -2)).ravel(), abs=1e-5)


def test_ridge_shrinks() -> None:
    # x = -1, 1 and y = 0, 4: covariance 2, variance 1; with a penalty of 1, w = 2 / (1 + 1).
    weights, constant = fit_ridge(np.array([[-1.0], [1.0]]), one(0, 4), ridge=1.0)
    assert weights == pytest.approx([1])
    assert constant == pytest.approx(2)


# What is missing, and what is refused -----------------------------------------------------------------


def test_rollouts_that_failed_are_left_out_and_a_point_without_any_is_missing() -> None:
    found = values_from_rollouts(one(1, np.nan, 0, np.nan), np.array([0, 0, 0, 1]), 2)
    assert found[0] == 0.5
    assert np.isnan(found[1])
    assert np.isnan(vine_credits(found, one(1.0), same(2))).all()


def test_softmax_survives_great_numbers_and_no_turns() -> None:
    assert softmax(one(1e300, 0), same(2)) == pytest.approx([1, 0])
    assert softmax(np.zeros(0), same(0)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shapley_values(one(0, 1, 2)), "2\\^n"),
        (lambda: shapley_sampled(lambda _: 0.0, 3, orders=0), "at least 1 order"),
        (lambda: softmin_rewards(one(1), same(1), temperature=0), "above 0"),
        (lambda: softmin_rewards(one(1, 2), same(1)), "each of 1 turns"),
        (lambda: vine_credits(one(1, 2), one(1), np.array([1, 0])), "sorted by episode"),
        (lambda: information_gain(one(1.5), one(0.5), same(1)), "from 0 to 1"),
        (lambda: information_gain(one(0.5), one(0.0), same(1), scale="log"), "above 0"),
        (lambda: hindsight_credits(one(0), one(0), one(1), same(1), most=0.5), "at least 1"),
        (lambda: implicit_rewards(one(0), one(0, 1), same(1), turns=1), "as many log-prob"),
        (lambda: fit_ridge(np.zeros((0, 2)), np.zeros(0)), "N > 0"),
    ],
)
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        call()


# By name, on turns ------------------------------------------------------------------------------------


def test_roles_keep_their_own_outcomes() -> None:
    """Two sides take turns; the first ends with 1, the second with -1."""
    turns = Turns(
        episode=same(4),
        group=same(1),
        reward=one(0, 0, 1, -1),
        index=np.array([0, 0, 1, 1]),
        role=np.array([0, 1, 0, 1]),
        tokens=np.ones(4, dtype=np.int64),
    )
    before = one(0.5, -0.5, 0.75, -0.9)
    assert credit.get("vine")(turns, before=before) == pytest.approx([0.25, -0.4, 0.25, -0.1])
    without = one(0.25, 0, 0, 0)
    assert credit.get("counterfactual")(turns, without=without) == pytest.approx([0.75, -1, 1, -1])
    assert credit.get("itpo")(turns, implicit=np.zeros(4)) == pytest.approx([0.5, -0.5, 0.5, -0.5])
    predicted = one(0.25, -0.25, 1, -1)
    found = credit.get("return_decomposition")(turns, predicted=predicted)
    assert found == pytest.approx([0.25, -0.25, 0.75, -0.75])
    found = credit.get("return_parts")(turns, parts=one(0, 0, 0.5, 0), rest="last")
    assert found == pytest.approx([0, 0, 1, -1])
    found = credit.get("hindsight")(turns, logprob=np.log(one(1, 1, 1, 1) / 2), hindsight=np.zeros(4))
    assert found == pytest.approx([0.5, -0.5, 0.5, -0.5])
    found = credit.get("information_gain")(turns, probability=one(0.5, 0.2, 1, 0.3), start=0.1, outcome=False)
    assert found == pytest.approx([0.4, 0.1, 0.5, 0.1])
    assert credit.get("judge")(turns, score=one(1, 2, 3, 4)) == pytest.approx([0, 0, 0, 0])
    assert credit.get("pure")(turns, temperature=1e6) == pytest.approx([0, 0, 0.5, -0.5], abs=1e-5)
