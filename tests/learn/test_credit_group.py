"""Outcomes compared with a group's: the worked numbers, and what holds for all numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from credit_cases import Episode, of_episodes, some_episodes, turns
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.errors import ConfigError
from turnwise.learn import credit
from turnwise.learn.batch import Turns
from turnwise.learn.credit.chains import outcomes, to_go
from turnwise.learn.credit.group import centre, relative
from turnwise.learn.credit.weights import weights

FOUR = turns([[1], [0], [0], [0.5]], tokens=[[2], [4], [1], [3]])
"""Outcomes 1, 0, 0, 1/2 of 2, 4, 1 and 3 tokens: mean 0.375, deviation 0.478714."""


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("grpo", {}, [1.30558, -0.78335, -0.78335, 0.26112]),
        ("grpo", {"epsilon": 1e-4}, [1.30531, -0.78319, -0.78319, 0.26106]),
        ("m_grpo", {}, [1.30531, -0.78319, -0.78319, 0.26106]),
        ("dr_grpo", {}, [0.625, -0.375, -0.375, 0.125]),
        ("rloo", {}, [0.83333, -0.5, -0.5, 0.16667]),
        ("reinforce_plus_plus_baseline", {}, [1.57906, -0.85027, -0.85027, 0.36440]),
        ("opo", {}, [0.65, -0.35, -0.35, 0.15]),
        ("gpg", {}, [1.25, -0.75, -0.75, 0.25]),
        ("pass_at_k", {}, [1.04446, 0, 0, 0]),
        ("remax", {"greedy": np.array([0.5, 0.5, 0.5, 0.5])}, [0.5, -0.5, -0.5, 0]),
    ],
)
def test_the_worked_example(name: str, settings: dict[str, Any], expected: list[float]) -> None:
    assert credit.get(name)(FOUR, **settings) == pytest.approx(expected, abs=1e-5)


def test_remax_credits_a_turn_with_what_came_after_it() -> None:
    two = turns([[1, 0, 2]])
    assert credit.get("remax")(two, greedy=np.array([0.5])) == pytest.approx([2.5, 1.5, 1.5])


def test_summaries_do_not_change_the_baseline() -> None:
    """SUPO: one of two episodes was broken into two rows; the mean is 1/2, not 2/3."""
    split = turns([[0, 1], [0]])
    got = credit.get("supo")(split)
    assert got == pytest.approx([0.70711, 0.70711, -0.70711], abs=1e-5)
    four = turns([[1], [0, 0, 0], [0, 0], [1]])
    got = credit.get("supo")(four, deviation="biased")
    assert got == pytest.approx([1, -1, -1, -1, -1, -1, 1], abs=1e-5)
    by_row = relative(four, votes="row", row=np.arange(7))
    assert by_row[0] == pytest.approx(1 - 2 / 7)  # what a mean over rows would make of it


def test_what_found_no_end_teaches_nothing_but_stays_in_the_mean() -> None:
    three = turns([[1], [0], [0]])
    got = credit.get("supo")(three, unfinished=np.array([False, False, True]))
    assert got[2] == 0
    assert got[:2] == pytest.approx(credit.get("grpo")(three)[:2])


def test_flow_grpo_by_trajectory_and_by_row() -> None:
    """1 after three turns and 0 after one."""
    two = turns([[0, 0, 1], [0]])
    flow = credit.get("flow_grpo")
    assert flow(two) == pytest.approx([0.70711] * 3 + [-0.70711], abs=1e-5)
    assert flow(two, variant="published") == pytest.approx([0.5] * 3 + [-1.5], abs=1e-5)


def test_who_does_not_count_is_compared_with_those_who_do() -> None:
    three = turns([[4], [1], [2]], counted=[[False], [True], [True]])
    assert relative(three) == pytest.approx([2.5, -0.5, 0.5])
    assert relative(three, leave_one_out=True) == pytest.approx([2.5, -1, 1])


def test_roles_share_no_baseline() -> None:
    """In a game of two sides the pooled mean is 0 whatever is played, and moving first looks like skill."""
    games = turns([[1, -1], [1, -1], [-1, 1]], role=[[0, 1]] * 3)
    third = 1 / 3
    expected = [1 - third, -1 + third, 1 - third, -1 + third, -1 - third, 1 + third]
    assert credit.get("dr_grpo")(games) == pytest.approx(expected)


def test_scopes_of_the_general_estimator() -> None:
    two = turns([[1, 2], [3]], group=[0, 1], state=[[5, 6], [5]], tokens=[[1, 1], [2]])
    assert relative(two, scope="batch") == pytest.approx([0, 0, 0])
    assert relative(two, scope="role", signal="reward") == pytest.approx([-1, 0, 1])
    assert relative(two, scope="batch", signal="reward", votes="token") == pytest.approx([-1.25, -0.25, 0.75])
    assert relative(two, scope="group", signal="reward") == pytest.approx([-0.5, 0.5, 0])
    one = turns([[1, 2], [3]], state=[[5, 6], [5]])
    assert relative(one, scope="state", signal="reward") == pytest.approx([-1, 0, 1])
    assert relative(one, scope="turn", signal="reward", alone="raw") == pytest.approx([-1, 2, 1])
    with pytest.raises(ConfigError, match="row"):
        relative(one, votes="row")


@settings(deadline=None)
@given(some_episodes)
def test_group_estimators_sum_to_zero(episodes: list[Episode]) -> None:
    """Over the episodes of each group, GRPO, Dr.GRPO and RLOO give nothing in all."""
    data = of_episodes(episodes)
    first = np.flatnonzero(data.index == 0)
    for name in ("grpo", "dr_grpo", "rloo"):
        sums = np.bincount(data.group, credit.get(name)(data)[first])
        assert sums == pytest.approx(0, abs=1e-9)
    weighted = np.bincount(data.group[data.episode], credit.get("opo")(data) * data.tokens)
    assert weighted == pytest.approx(0, abs=1e-9)


@settings(deadline=None)
@given(some_episodes)
def test_rloo_is_dr_grpo_scaled(episodes: list[Episode]) -> None:
    data = of_episodes(episodes)
    n = np.bincount(data.group)[data.group][data.episode]
    expected = credit.get("dr_grpo")(data) * n / np.maximum(n - 1, 1)
    assert credit.get("rloo")(data) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(some_episodes, st.integers(1, 5))
def test_a_vote_of_three_is_being_there_three_times(episodes: list[Episode], times: int) -> None:
    data = of_episodes(episodes)
    score = outcomes(data)
    vote = np.arange(len(score)) % times + 1
    there = np.repeat(np.arange(len(score)), vote)
    for deviation in ("none", "unbiased", "biased"):
        weighed = centre(score, data.group, vote=vote.astype(float), deviation=deviation)  # type: ignore[arg-type]
        copied = centre(score[there], data.group[there], deviation=deviation)  # type: ignore[arg-type]
        several = np.bincount(data.group)[data.group][there] > 1
        assert weighed[there][several] == pytest.approx(copied[several], abs=1e-9)


OF_TURNS = (
    *("grpo", "dr_grpo", "rloo", "opo", "gpg", "pass_at_k", "turn_grpo", "turn_baseline", "mt_grpo", "gigpo"),
    *("m_grpo", "mapo", "mars", "flow_grpo", "supo", "reinforce_plus_plus_baseline"),
)


@settings(deadline=None)
@given(some_episodes, st.randoms(use_true_random=False))
def test_the_order_of_episodes_does_not_matter(episodes: list[Episode], random: Any) -> None:
    order = list(range(len(episodes)))
    random.shuffle(order)
    before, after = of_episodes(episodes), of_episodes([episodes[i] for i in order])
    for name in OF_TURNS:
        one, other = credit.get(name)(before), credit.get(name)(after)
        for place, i in enumerate(order):
            assert other[after.episode == place] == pytest.approx(one[before.episode == i], abs=1e-9), name


@settings(deadline=None)
@given(some_episodes)
def test_splitting_an_episode_does_not_change_its_baseline(episodes: list[Episode]) -> None:
    """A turn broken in two (a summary came between) is the same episode: no other episode notices."""
    split = [
        (group, [(0.0, 1, 0), *rest]) if i == 0 else (group, rest) for i, (group, rest) in enumerate(episodes)
    ]
    before, after = of_episodes(episodes), of_episodes(split)
    for name in ("grpo", "dr_grpo", "rloo", "gpg", "pass_at_k", "flow_grpo", "supo", "m_grpo"):
        one, other = credit.get(name)(before), credit.get(name)(after)
        assert other[1:] == pytest.approx(one, abs=1e-9), name


@settings(deadline=None)
@given(some_episodes)
def test_reward_to_go_is_the_sum_of_what_follows(episodes: list[Episode]) -> None:
    data = of_episodes(episodes)
    expected = [
        sum(reward * 0.5**j for j, (reward, _, _) in enumerate(rest[k:]))
        for _, rest in episodes
        for k in range(len(rest))
    ]
    assert to_go(data, 0.5) == pytest.approx(expected)


@settings(deadline=None)
@given(some_episodes)
def test_weights_make_a_sum_into_the_average_asked_for(episodes: list[Episode]) -> None:
    data = of_episodes(episodes)
    loss = np.arange(1.0, 1 + len(data.tokens))  # of every token of each turn
    rows = [np.repeat(loss[data.episode == e], data.tokens[data.episode == e]) for e in range(len(episodes))]
    spread = loss * data.tokens

    def got(how: Any, **more: Any) -> float:
        return float(weights(data, how, **more) @ spread)

    assert got("token-mean") == pytest.approx(np.concatenate(rows).mean())
    assert got("seq-mean-token-sum") == pytest.approx(np.mean([row.sum() for row in rows]))
    assert got("seq-mean-token-mean") == pytest.approx(np.mean([row.mean() for row in rows]))
    norm = got("seq-mean-token-sum-norm", constant=4)
    assert norm == pytest.approx(np.mean([row.sum() / 4 for row in rows]))
    by_turn = [loss[data.episode == e].mean() for e in range(len(episodes))]
    assert got("turn-mean") == pytest.approx(np.mean(by_turn))
    keep = np.arange(len(episodes)) > 0
    kept = np.concatenate([*rows[1:], np.zeros(0)])
    assert got("token-mean", keep=keep) == pytest.approx(kept.mean() if len(kept) else 0)


def test_a_constant_must_be_given() -> None:
    with pytest.raises(ConfigError, match="constant"):
        weights(FOUR, "seq-mean-token-sum-norm")


def test_nothing_is_credited_to_nobody() -> None:
    empty = Turns(
        **{name: np.zeros(0, np.int64) for name in ("episode", "group", "index", "role", "tokens", "state")},
        reward=np.zeros(0),
    )
    for name in OF_TURNS:
        assert len(credit.get(name)(empty)) == 0, name
