"""Recurrences over sampled tokens: masked GAE, bi-level GAE, REINFORCE++, the optimal token baseline."""

from __future__ import annotations

import numpy as np
import pytest
from credit_cases import Episode, by_hand, of_episodes, some_episodes, turns
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch
from turnwise.learn.credit import threads
from turnwise.learn.credit.bi_level_gae import bi_level_gae
from turnwise.learn.credit.gae import gae, masked_gae
from turnwise.learn.credit.group import relative
from turnwise.learn.credit.optimal_token_baseline import optimal_token_baseline
from turnwise.learn.credit.reinforce_plus_plus import reinforce_plus_plus
from turnwise.learn.credit.tokens import order, returns, whiten, whiten_turns

TWO = turns([[0, 1]], tokens=[[2, 2]])
VALUES = np.array([0.5, 0.4, 0.3, 0.2])
REWARD = np.array([0, 0, 0, 0, 0, 1.0])
LEAKY = np.array([0.5, 0.4, 9, 9, 0.3, 0.2])
SAMPLED = np.array([1, 1, 0, 0, 1, 1], dtype=np.bool_)
ROW = np.array([0, 6])


def values_of(data: object, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=int(data.tokens.sum()))  # type: ignore[attr-defined]


def test_masked_gae_by_hand() -> None:
    got = gae(TWO, values=VALUES, gamma=0.9, lam=0.8)
    assert got == pytest.approx([0.00279, 0.19832, 0.456, 0.8], abs=1e-5)
    assert got + VALUES == pytest.approx([0.50279, 0.59832, 0.756, 1.0], abs=1e-5)
    assert whiten(got) == pytest.approx([-1.0487, -0.4814, 0.2661, 1.2640], abs=1e-4)


def test_values_of_observations_do_not_leak() -> None:
    """The nines on the observation are never read; without a mask the first two would be 1.8 and 2.7."""
    got = masked_gae(REWARD, LEAKY, SAMPLED, ROW, gamma=0.9, lam=0.8)
    assert got == pytest.approx([0.00279, 0.19832, 0, 0, 0.456, 0.8], abs=1e-5)
    unmasked = masked_gae(REWARD, LEAKY, np.ones(6, np.bool_), ROW, gamma=0.9, lam=0.8)
    assert unmasked[:2] == pytest.approx([1.80153, 2.69657], abs=1e-5)


def test_a_reward_on_an_observation_is_not_lost() -> None:
    reward = np.array([0, 0, 1.0, 0, 0, 0])
    got = masked_gae(reward, 0 * LEAKY, SAMPLED, ROW)
    assert got.tolist() == [1, 1, 0, 0, 0, 0]
    assert not masked_gae(reward, 0 * LEAKY, SAMPLED, ROW, variant="published").any()


def test_the_reward_of_a_turn_without_tokens_goes_to_the_turn_before() -> None:
    silent = turns([[0, 1, 0]], tokens=[[2, 0, 1]])
    assert gae(silent, values=np.zeros(3)).tolist() == [1, 1, 0]
    assert bi_level_gae(silent, values=np.zeros(3)).tolist() == [1, 1, 0]


@settings(deadline=None)
@given(some_episodes, st.floats(0, 1), st.floats(0, 1))
def test_masked_gae_is_gae_on_the_compacted_sequence(
    episodes: list[Episode], gamma: float, lam: float
) -> None:
    data = of_episodes(episodes)
    values = values_of(data)
    got = gae(data, values=values, gamma=gamma, lam=lam)
    at = 0
    flat: list[np.ndarray] = []  # reward, value, sampled: one observation before each turn, garbage on it
    for _, rest in episodes:
        rewards = [reward if t == n - 1 else 0.0 for reward, n, _ in rest for t in range(n)]
        here = values[at : at + len(rewards)]
        assert got[at : at + len(rewards)] == pytest.approx(
            by_hand(rewards, list(here), gamma, lam), abs=1e-9
        )
        at += len(rewards)
        rows = [
            [0, 99, 0] if t < 0 else [reward * (t == n - 1), 0, 1]
            for reward, n, _ in rest
            for t in range(-1, n)
        ]
        row = np.array(rows, dtype=np.float64)
        row[row[:, 2] == 1, 1] = here
        flat.append(row)
    table = np.concatenate(flat)
    start = np.concatenate([[0], np.cumsum([len(row) for row in flat])])
    sampled = table[:, 2] == 1
    dense = masked_gae(table[:, 0].copy(), table[:, 1].copy(), sampled, start, gamma=gamma, lam=lam)
    assert dense[sampled] == pytest.approx(got, abs=1e-9)
    assert not dense[~sampled].any()


@settings(deadline=None)
@given(some_episodes, st.floats(0, 1))
def test_without_values_gae_is_the_reward_to_go(episodes: list[Episode], gamma: float) -> None:
    data = of_episodes(episodes)
    zeros = np.zeros(int(data.tokens.sum()))
    assert gae(data, values=zeros, gamma=gamma) == pytest.approx(returns(data, gamma=gamma), abs=1e-12)


@settings(deadline=None)
@given(some_episodes, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_bi_level_gae_of_one_turn_is_gae(
    episodes: list[Episode], gamma: float, lam: float, turn_gamma: float
) -> None:
    data = of_episodes([(group, rest[:1]) for group, rest in episodes])
    values = values_of(data)
    got = bi_level_gae(data, values=values, gamma=gamma, lam=lam, turn_gamma=turn_gamma)
    assert got == pytest.approx(gae(data, values=values, gamma=gamma, lam=lam), abs=1e-9)


def test_bi_level_gae_by_hand() -> None:
    """The published code's own example."""
    two = turns([[1, 1]], tokens=[[5, 5]])
    values = np.arange(1, 11) / 10
    got = bi_level_gae(two, values=values, turn_gamma=0.95)
    assert got == pytest.approx([1.85, 1.75, 1.65, 1.55, 1.45, 0.4, 0.3, 0.2, 0.1, 0])
    assert got + values == pytest.approx([1.95] * 5 + [1.0] * 5)
    half = [1.188, 1.0596, 0.9311, 0.8027, 0.6743]
    assert whiten(got) == pytest.approx([*half, *(-x for x in reversed(half))], abs=1e-4)
    masked = turns([[1, 2]], tokens=[[2, 3]])
    values = np.array([0.2, 0.4, 0.6, 0.8, 1])
    got = bi_level_gae(masked, values=values, gamma=0.9, lam=0.5, turn_gamma=0.8)
    assert got == pytest.approx([0.97, 1.8, 0.3675, 0.55, 1.0])


def test_a_reward_of_zero_does_not_delete_the_end_of_a_turn() -> None:
    """As published, turns end where a reward is not 0: 0 and 1e-9 then differ, and a last 0 is an error."""
    values = np.array([0.2, 0.4, 0.6, 0.8, 1])
    settings = {"values": values, "gamma": 0.9, "lam": 0.5, "turn_gamma": 0.8}
    nothing, little = turns([[0, 2]], tokens=[[2, 3]]), turns([[1e-9, 2]], tokens=[[2, 3]])
    right = [0.52, 0.8, 0.3675, 0.55, 1.0]
    assert bi_level_gae(nothing, **settings) == pytest.approx(right)
    assert bi_level_gae(little, **settings) == pytest.approx(right)
    merged = bi_level_gae(nothing, **settings, variant="published")
    assert merged == pytest.approx([0.29742, 0.30538, 0.3675, 0.55, 1.0], abs=1e-5)
    assert bi_level_gae(little, **settings, variant="published") == pytest.approx(right)
    with pytest.raises(ConfigError, match="last turn got no reward"):
        bi_level_gae(turns([[2, 0]], tokens=[[2, 3]]), **settings, variant="published")
    assert bi_level_gae(turns([[2, 0]], tokens=[[2, 3]]), **settings)[-1] == pytest.approx(-1.0)


def test_roles_do_not_bootstrap_from_each_other() -> None:
    """Two roles that take turns in one episode are credited as if each were alone."""
    both = turns([[1, 5, 2, 7]], role=[[0, 1, 0, 1]], tokens=[[2, 1, 1, 3]])
    values = np.array([0.1, 0.2, 0.9, 0.3, 0.8, 0.7, 0.6])
    first, second = turns([[1, 2]], tokens=[[2, 1]]), turns([[5, 7]], tokens=[[1, 3]])
    mine, theirs = [0, 1, 3], [2, 4, 5, 6]
    for estimate in (gae, bi_level_gae):
        got = estimate(both, values=values, gamma=0.9, lam=0.8)
        assert got[mine] == pytest.approx(estimate(first, values=values[mine], gamma=0.9, lam=0.8))
        assert got[theirs] == pytest.approx(estimate(second, values=values[theirs], gamma=0.9, lam=0.8))


def test_a_trace_runs_through_the_rows_of_an_episode_unless_told_otherwise() -> None:
    two = turns([[0, 1]], tokens=[[1, 1]])
    row = np.array([0, 1])
    assert gae(two, values=np.zeros(2)).tolist() == [1, 1]
    assert gae(two, values=np.zeros(2), segment="row", row=row).tolist() == [0, 1]
    with pytest.raises(ConfigError, match="row"):
        gae(two, values=np.zeros(2), segment="row")


def test_rewards_of_tokens_are_added() -> None:
    got = gae(TWO, values=np.zeros(4), token_reward=np.array([0.5, 0, 0, -0.25]))
    assert got == pytest.approx([1.25, 0.75, 0.75, 0.75])


def test_values_of_the_wrong_number_are_refused() -> None:
    with pytest.raises(ConfigError, match="4 sampled tokens"):
        gae(TWO, values=np.zeros(6))


def test_reinforce_plus_plus_credits_turns_before_an_observation() -> None:
    """Reward 1 at the end of a row of two turns, and a row of nothing; as published, turn 1 gets nothing."""
    two = turns([[0, 1], [0, 0]], tokens=[[2, 2], [2, 2]])
    assert returns(two, gamma=0.9)[:4] == pytest.approx([0.729, 0.81, 0.9, 1])
    got = reinforce_plus_plus(two, gamma=0.9)
    assert got == pytest.approx([0.6421, 0.8160, 1.0091, 1.2238, *[-0.9227] * 4], abs=1e-4)
    published = reinforce_plus_plus(two, gamma=0.9, variant="published")
    assert published == pytest.approx([-0.5391, -0.5391, 1.5037, 1.7307, *[-0.5391] * 4], abs=1e-4)


def test_the_optimal_token_baseline_by_hand() -> None:
    two = turns([[1], [0]], tokens=[[3], [2]])
    logprobs = np.log([0.5, 0.8, 0.9, 0.5, 0.6])
    squares = np.array([0.5, 0.68, 0.82, 0.5, 0.52])
    got = optimal_token_baseline(two, logprobs=logprobs, squares=squares)
    assert got == pytest.approx([0.5, 1 - 0.41429, 1, -0.5, -0.41429], abs=1e-5)
    own = optimal_token_baseline(two, logprobs=logprobs, squares=squares, tail="own")
    assert own == pytest.approx([0.5, 1 - 0.41429, 0, -0.5, -0.41429], abs=1e-5)


def test_the_optimal_token_baseline_counts_sampled_tokens_over_turns_and_needs_a_peer() -> None:
    whole, split = turns([[3], [1]], tokens=[[3], [3]]), turns([[0, 3], [1]], tokens=[[1, 2], [3]])
    settings = {"logprobs": np.log([0.5, 0.8, 0.9, 0.5, 0.6, 0.7]), "squares": np.full(6, 0.6)}
    expected = optimal_token_baseline(whole, **settings)
    assert optimal_token_baseline(split, **settings) == pytest.approx(expected)
    apart = turns([[3], [1]], tokens=[[3], [3]], group=[0, 1])
    assert optimal_token_baseline(apart, **settings) == pytest.approx([3, 3, 3, 1, 1, 1])


@settings(deadline=None)
@given(some_episodes)
def test_equal_energies_make_the_optimal_token_baseline_a_mean(episodes: list[Episode]) -> None:
    data = of_episodes([(group, [(rest[0][0], 3, 0)]) for group, rest in episodes])
    count = int(data.tokens.sum())
    got = optimal_token_baseline(data, logprobs=np.full(count, np.log(0.5)), squares=np.full(count, 0.5))
    assert got == pytest.approx(np.repeat(relative(data, alone="raw"), 3), abs=1e-6)


@settings(deadline=None)
@given(some_episodes)
def test_whitened_numbers_have_mean_zero_and_deviation_one(episodes: list[Episode]) -> None:
    data = of_episodes(episodes)
    white = whiten(values_of(data))
    assert white.mean() == pytest.approx(0, abs=1e-9)
    if len(white) > 1:
        assert white.std(ddof=1) == pytest.approx(1, abs=1e-3)
    by_turn = np.repeat(whiten_turns(data.reward, data), data.tokens)
    assert by_turn == pytest.approx(whiten(np.repeat(data.reward, data.tokens)), abs=1e-9)


def test_pieces_over_threads_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    data = of_episodes([(i % 3, [(float(rng.normal()), 3, 0)] * (1 + i % 4)) for i in range(40)])
    values = values_of(data).astype(np.float32)

    def everything() -> list[np.ndarray]:
        return [
            gae(data, values=values, gamma=0.9, lam=0.8),
            bi_level_gae(data, values=values, gamma=0.9, lam=0.8),
            returns(data, gamma=0.9),
            whiten(values),
        ]

    alone = everything()
    monkeypatch.setattr(threads, "WORTH", 1)
    monkeypatch.setattr(threads, "cores", lambda: 5)
    for one, other in zip(alone, everything(), strict=True):
        assert one.tobytes() == other.tobytes()


def test_where_the_tokens_of_interleaved_rows_stand_in_a_batch() -> None:
    """A sub-agent's row lies behind its caller's, though its turn was in between."""
    data = turns([[0, 0, 1]], role=[[0, 1, 0]], tokens=[[1, 2, 1]])
    batch = Batch(
        ids=np.arange(7, dtype=np.int32),
        row_start=np.array([0, 4, 7]),
        sampled=np.array([0, 1, 0, 1, 0, 1, 1], dtype=np.bool_),
        logprobs=np.zeros(7, np.float32),
        turn=np.array([-1, 0, -1, 2, -1, 1, 1]),
        turns=data,
        turn_row=np.array([0, 1, 0]),
        turn_version=np.zeros(3, np.int64),
        outcome=np.ones(1),
        truncated=np.zeros(1, np.bool_),
        roles=("main", "sub"),
    )
    assert order(batch).tolist() == [1, 5, 6, 3]
