"""The annealed turn limit: (mean + max) / 2 of each window, never above where it began."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.games.number_guess import NumberGuess
from turnwise.environments.parts.annealing import AnnealedLimit
from turnwise.errors import ConfigError


def test_a_mean_of_8_and_a_maximum_of_20_make_14_after_100_iterations() -> None:
    limit = AnnealedLimit()
    # Each iteration 9 episodes of 7 turns and one of 17; in one of them the longest takes 20: the mean of all
    # 1,000 is (99 * 80 + 83) / 1000 = 8.003, so the limit (8.003 + 20) / 2 = 14.0015.
    for iteration in range(99):
        limit = limit.after([7] * 9 + [20 if iteration == 50 else 17])
        assert limit.limit == 30
    limit = limit.after([7] * 9 + [17])
    assert (limit.limit, limit.iterations, limit.longest) == (14, 0, 0)


def test_each_window_stands_for_itself() -> None:
    limit = AnnealedLimit(window=2)
    limit = limit.after([8, 8]).after([2, 14])  # mean 8, max 14
    assert limit.limit == 11
    limit = limit.after([4]).after([])  # mean 4, max 4: all of one length keep it
    assert limit.limit == 4
    assert limit.after([]).after([]).limit == 4  # nothing seen, nothing learnt
    assert limit.after([100]).after([100]).limit == 30


@given(
    st.lists(st.lists(st.integers(1, 200), max_size=6), max_size=30), st.integers(1, 40), st.integers(1, 4)
)
def test_it_never_rises_above_the_initial_limit_nor_falls_below_one(
    history: list[list[int]], initial: int, window: int
) -> None:
    limit = AnnealedLimit(initial=initial, window=window)
    for turns in history:
        limit = limit.after(turns)
        assert 1 <= limit.limit <= initial


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), max_size=20))
def test_turns_within_the_limit_never_raise_it(history: list[list[int]]) -> None:
    limit = AnnealedLimit(window=1)
    for turns in history:
        following = limit.after([min(count, limit.limit) for count in turns])
        assert following.limit <= limit.limit
        limit = following


def test_it_is_stored_and_goes_on_in_the_middle_of_a_window() -> None:
    limit = AnnealedLimit(window=3).after([5, 9]).after([4])
    again = msgspec.json.decode(msgspec.json.encode(limit), type=AnnealedLimit)
    assert again.after([6]) == limit.after([6])
    assert limit.after([6]).limit == 8  # (6 + 9) / 2 = 7.5, and half a turn counts as one


def test_it_is_applied_to_the_setting_of_an_environment() -> None:
    limit = AnnealedLimit(initial=9)
    assert limit.applied(NumberGuess()).max_turns == 9
    with pytest.raises(ConfigError, match="no setting 'max_turn'"):
        limit.applied(NumberGuess(), "max_turn")


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ConfigError, match="window >= 1"):
        AnnealedLimit(window=0)
    with pytest.raises(ConfigError, match="initial >= 1"):
        AnnealedLimit(initial=0)
