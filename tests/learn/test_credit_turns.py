"""Credit of single turns: turn baselines, MT-GRPO, GiGPO, MAPO, MARS, ArCHer, RAE, M-GRPO, WMAct."""

from __future__ import annotations

import numpy as np
import pytest
from credit_cases import Episode, of_episodes, some_episodes, turns
from hypothesis import given, settings

from turnwise.learn import credit
from turnwise.learn.credit.archer import archer, polyak, q_targets, v_targets
from turnwise.learn.credit.chains import to_go
from turnwise.learn.credit.gigpo import gigpo
from turnwise.learn.credit.hierarchical_grpo import hierarchical_grpo
from turnwise.learn.credit.m_grpo import multi_agent_grpo
from turnwise.learn.credit.mapo import mapo
from turnwise.learn.credit.mars import mars
from turnwise.learn.credit.max_rl import max_rl
from turnwise.learn.credit.mt_grpo import mt_grpo
from turnwise.learn.credit.rae import rae, rae_baseline
from turnwise.learn.credit.turn_baseline import turn_baseline
from turnwise.learn.credit.turn_grpo import turn_grpo
from turnwise.learn.credit.wmact import efficacy, rescaled

STATES = turns([[0, 0, 1], [0, 0]], state=[[0, 1, 2], [0, 1]])
"""One episode visits states 0, 1, 2 and wins, the other 0, 1 and does not."""


def test_turn_baseline_by_hand() -> None:
    """To go: 3 2 2, then 1 1, then 2 0 0; the others' means at turn 0 are 1.5, 2.5, 2, and so on."""
    three = turns([[1, 0, 2], [0, 1], [2, 0, 0]])
    got = turn_baseline(three)
    assert got == pytest.approx([1.5, 1.5, 2, -1.5, 0, 0, -1.5, -2])
    alone = turn_baseline(turns([[1, 0, 2], [0, 1]]))
    assert alone == pytest.approx([2, 1, 2, -2, -1])
    assert turn_baseline(turns([[1, 0, 2], [0, 1]]), alone="zero")[2] == 0
    everyone = turn_baseline(three, peers="all")
    assert everyone == pytest.approx([1.5, 1.5, 2, -1.5, 0, 0, -1.5, -1])


def test_turn_grpo_is_the_turn_term_of_mapo() -> None:
    three = turns([[1, 0, 2], [0, 1], [2, 0, 0]])
    got = turn_grpo(three, deviation="biased", epsilon=1e-8)
    assert got == pytest.approx([1.22474, 1.22474, 1, -1.22474, 0, 0, -1.22474, -1], abs=1e-5)


def test_mapo_by_hand() -> None:
    three = turns([[1, 0, 2], [0, 1], [2, 0, 0]])
    expected = [0.7631, 0.1601, 1.2538, -1.0646, 0.1508, 0.7538, -1.0646, -0.9523]
    assert mapo(three) == pytest.approx(expected, abs=1e-4)
    both = turns([[1, 0, 2], [0, 1], [2, 0, 0]], group=[0, 0, 1])
    assert mapo(both, turn_share=0, batch_share=1, over="batch") == pytest.approx(
        mapo(three, turn_share=0, batch_share=1)
    )


@settings(deadline=None)
@given(some_episodes)
def test_mapo_of_shifted_rewards(episodes: list[Episode]) -> None:
    """The second term does not move with a constant; the first does not either where horizons are equal."""
    data = of_episodes(episodes)
    shifted = of_episodes([(group, [(r + 2, n, s) for r, n, s in rest]) for group, rest in episodes])
    batch_only = {"turn_share": 0.0, "batch_share": 1.0}
    assert mapo(shifted, **batch_only) == pytest.approx(mapo(data, **batch_only), abs=1e-5)
    equal = [(group, (rest * 4)[:4]) for group, rest in episodes]
    moved = [(group, [(r + 2, n, s) for r, n, s in rest]) for group, rest in equal]
    assert mapo(of_episodes(moved)) == pytest.approx(mapo(of_episodes(equal)), abs=1e-5)


def test_mt_grpo_by_hand() -> None:
    """Turn rewards .2 .2 0 .4 and outcomes 1 0 0 1."""
    four = turns([[0.2, 1], [0.2, 0], [0, 0], [0.4, 1]])
    got = mt_grpo(four)
    assert got[1::2] == pytest.approx([0.8659, -0.8659, -0.8659, 0.8659], abs=1e-4)
    assert got[::2] == pytest.approx([0.8659, -0.8659, -2.0899, 2.0899], abs=1e-4)


def test_mt_grpo_of_an_episode_that_called_no_tool() -> None:
    """It has the z-score of all it was given: totals 1.2 and 0."""
    got = mt_grpo(turns([[0.2, 1], [0]]))
    assert got[2] == pytest.approx(-0.6 / (1.2 / np.sqrt(2) + 1e-4))


def test_gigpo_by_hand() -> None:
    published = gigpo(STATES, gamma=0.9, votes="turn")
    assert published == pytest.approx([0.805, 0.85, 0.4, -1.005, -1.05])
    assert gigpo(STATES, gamma=0.9) == pytest.approx([0.905, 0.95, 0.5, -0.905, -0.95])
    scaled = gigpo(STATES, gamma=0.9, votes="turn", mode="mean_std_norm")
    assert scaled == pytest.approx([1.4374, 1.4374, 0.7303, -1.8025, -1.8025], abs=1e-4)


def test_one_vote_a_trajectory() -> None:
    """Returns 1 after one turn and 0 after three: 1/2 and -1/2, where a vote a turn gives 3/4 and -1/4."""
    two = turns([[1], [0, 0, 0]], state=[[0], [1, 2, 3]])
    assert gigpo(two) == pytest.approx([0.5, -0.5, -0.5, -0.5])
    assert gigpo(two, votes="turn") == pytest.approx([0.75, -0.25, -0.25, -0.25])


@settings(deadline=None)
@given(some_episodes)
def test_gigpo_where_all_states_differ_is_its_episode_term(episodes: list[Episode]) -> None:
    unlike = [
        (group, [(r, n, 10 * e + t) for t, (r, n, _) in enumerate(rest)])
        for e, (group, rest) in enumerate(episodes)
    ]
    data = of_episodes(unlike)
    assert gigpo(data) == pytest.approx(credit.get("dr_grpo")(data), abs=1e-9)
    assert gigpo(data, mode="mean_std_norm") == pytest.approx(credit.get("grpo")(data), abs=1e-9)


@settings(deadline=None)
@given(some_episodes)
def test_gigpo_compares_states_within_a_group_only(episodes: list[Episode]) -> None:
    apart = of_episodes([(e, rest) for e, (_, rest) in enumerate(episodes)])
    alike = gigpo(apart, weight=1.0)
    again = np.zeros(len(alike))
    for e, (_, rest) in enumerate(episodes):
        again[apart.episode == e] = gigpo(of_episodes([(0, rest)]))
    assert alike == pytest.approx(again, abs=1e-9)


def games() -> tuple[list[list[float]], list[list[int]]]:
    """Three games of two seats that move by turns: seat 0 wins two at its second move, and loses one."""
    won, lost = [0.0, 0.0, 1.0, -1.0], [0.0, 0.0, -1.0, 1.0]
    return [won, won, lost], [[0, 1, 0, 1]] * 3


def test_mars_as_published() -> None:
    rewards, seats = games()
    data = turns(rewards, role=seats, group=[0, 1, 2])
    got = mars(data, variant="published")
    assert got[[0, 2]] == pytest.approx([0.8667, 1.0333], abs=1e-4)
    assert got[[8, 10]] == pytest.approx([-1.1333, -0.9667], abs=1e-4)
    plain = mars(data, variant="published", padding=False)
    assert plain[[0, 2, 8, 10]] == pytest.approx([0.9167, 1.0833, -1.0833, -0.9167], abs=1e-4)
    for result in (got, plain):
        assert result[1::2] == pytest.approx(-result[::2])


def test_mars_by_its_formula() -> None:
    """Every turn's return is 1, 1, -1 for seat 0: less their mean 1/3."""
    rewards, seats = games()
    got = mars(turns(rewards, role=seats, group=[0, 1, 2]))
    assert got[::2] == pytest.approx([2 / 3] * 4 + [-4 / 3] * 2)
    assert got[1::2] == pytest.approx(-got[::2])


def test_mars_pooled_has_one_mean_for_both_seats() -> None:
    """Returns to go: 1, 1 and 0, 0 of the first game, 2, 2 and -1, -1 of the second: their mean is 1/2."""
    data = turns([[0, 0, 1, 0], [0, 0, 2, -1]], role=[[0, 1, 0, 1]] * 2, group=[0, 1])
    got = mars(data, pooled=True)
    assert got == pytest.approx([0.5, -0.5, 0.5, -0.5, 1.5, -1.5, 1.5, -1.5])
    apart = mars(data, pooled=True, game=np.array([0, 1]))
    # 1/2 is the mean of each game, too.
    assert apart == pytest.approx(got)
    assert mars(data) == pytest.approx([-0.5, 0.5, -0.5, 0.5, 0.5, -0.5, 0.5, -0.5])


def test_mars_keeps_games_apart() -> None:
    data = turns([[1, -1], [3, -3]], role=[[0, 1]] * 2, group=[0, 1])
    assert mars(data, game=np.array([0, 1])) == pytest.approx([0, 0, 0, 0])
    assert mars(data) == pytest.approx([-1, 1, 1, -1])


def test_archer_by_hand() -> None:
    one = turns([[-1, 0]])
    q, v = np.array([[0.4, 0.4], [0.6, 0.6]]), np.array([[0.3, 0.3], [0.5, 0.5]])
    assert archer(one, q=q, v=v) == pytest.approx([0.1, 0.1])
    target = np.array([[9, 0.2], [9, 0.1]])
    got = q_targets(one, target)
    assert got[:, 0] == pytest.approx([-0.81, -0.905])
    assert got[:, 1] == pytest.approx([0, 0])  # done: nothing after it
    assert (q[:, 0] - got[:, 0]) ** 2 == pytest.approx([1.4641, 2.2650], abs=1e-4)
    assert v_targets(q) is q
    assert polyak(np.ones(2), np.zeros(2)) == pytest.approx([0.9, 0.9])


def test_critics_of_two_roles_do_not_look_into_each_other() -> None:
    both = turns([[1, 2, 3]], role=[[0, 1, 0]])
    got = q_targets(both, np.array([[10, 20, 30], [10, 20, 30]]), gamma=1.0)
    assert got[0] == pytest.approx([31, 2, 3])


def test_archer_converges_to_the_values_of_a_chain() -> None:
    """Tables in place of networks: rewards 1 then 2, γ ½: V is 2 and 2."""
    chain = turns([[1, 2]])
    v = np.zeros((2, 2))
    for _ in range(200):
        v = polyak(v, v_targets(q_targets(chain, v, gamma=0.5)))
    assert v == pytest.approx(np.full((2, 2), 2.0), abs=1e-6)


def test_rae_takes_the_average_from_before_the_episode() -> None:
    two = turns([[1, -1], [1, -1]], role=[[0, 1]] * 2)
    assert rae(two, decay=0.5) == pytest.approx([1, -1, 0.5, -0.5])
    average = rae_baseline(two, decay=0.5)
    assert average == pytest.approx([0.75, -0.75])
    again = rae(two, baseline=average, decay=0.5)
    assert again == pytest.approx([0.25, -0.25, 0.125, -0.125])
    assert average == pytest.approx([0.75, -0.75])  # not changed in place


@settings(deadline=None)
@given(some_episodes)
def test_rae_of_batches_is_rae_of_all(episodes: list[Episode]) -> None:
    half = len(episodes) // 2
    if half == 0:
        return
    first, second = of_episodes(episodes[:half]), of_episodes(episodes[half:])
    after = rae_baseline(first)
    parts = np.concatenate([rae(first), rae(second, baseline=after)])
    assert parts == pytest.approx(rae(of_episodes(episodes)), abs=1e-9)


def test_multi_agent_grpo_gives_each_episode_one_vote_for_its_calls() -> None:
    """Calls got 1 and 0 in one episode, 0 in the other: mean 1/4, deviation √0.1875."""
    data = turns([[0, 1, 0, 1], [0, 0, 0]], role=[[0, 1, 1, 0], [0, 1, 0]])
    call = np.array([0, 1, 2, 0, 3, 4, 3])
    got = multi_agent_grpo(data, call=call)
    assert got[[0, 3, 4, 6]] == pytest.approx([1, 1, -1, -1], abs=1e-5)
    assert got[[1, 2, 5]] == pytest.approx([1.73205, -0.57735, -0.57735], abs=1e-5)


def test_wmact_counts_an_outcome_by_the_effect_of_actions() -> None:
    """Success after 10 actions, 6 of which moved; and a failure."""
    two = turns([[0, 1], [0]])
    moved, issued = np.array([2, 4, 5]), np.array([5, 5, 5])
    assert efficacy(two, effective=moved, issued=issued) == pytest.approx([0.6, 1])
    assert rescaled(two, effective=moved, issued=issued).reward == pytest.approx([0, 0.6, 0])
    assert to_go(rescaled(two, effective=moved, issued=issued)) == pytest.approx([0.6, 0.6, 0])


def test_attempts_are_compared_with_attempts_at_the_same_problem() -> None:
    """Two proposed problems: attempts at one got 1 and 0, at the other 1 and 1; proposals got 0.5 and 0."""
    data = turns([[0.5, 0, 1, 0], [0, 1, 1]], role=[[0, 1, 1, 1], [0, 1, 1]])
    got = hierarchical_grpo(data, call=np.array([0, 1, 1, 2, 3, 4, 5]))
    assert got == pytest.approx([0.25, 0.5, 0.5, -0.5, -0.25, 0, 0])


def test_max_rl_by_hand() -> None:
    """One of four succeeds: 3 for it and -1 for the others; a group without success says nothing."""
    data = turns([[1], [0], [0], [0], [0], [0]], group=[0, 0, 0, 0, 1, 1])
    assert max_rl(data) == pytest.approx([3, -1, -1, -1, 0, 0])
