"""Efficacy: the share of actions that changed the state, and what an outcome is worth by it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.efficacy import Efficacy, changes
from turnwise.log import Note


def test_ten_actions_of_which_six_moved_make_success_worth_six_tenths() -> None:
    efficacy = Efficacy()
    efficacy.add([True, True, False, True])
    efficacy.add([False, True, False, True, True, False])
    assert (efficacy.issued, efficacy.effective) == (10, 6)
    assert efficacy.rescaled(1.0) == pytest.approx(0.6)
    assert efficacy.rescaled(0.0) == 0.0


def test_nothing_done_is_worth_nothing() -> None:
    assert (Efficacy().share, Efficacy().rescaled(1.0)) == (0.0, 0.0)


def test_it_is_told_from_the_notes_of_an_episode() -> None:
    notes = [
        Note(name="changed", value=[True, False], turn=1),
        Note(name="state", value="7", turn=1),
        Note(name="changed", value=[True], turn=3),
    ]
    efficacy = Efficacy.of(notes)
    assert (efficacy.effective, efficacy.issued) == (2, 3)


def test_changes_compares_neighbours_so_a_step_counter_must_stay_out_of_the_state() -> None:
    walk = ["a", "b", "b", "a"]
    assert changes(walk) == [True, False, True]
    assert changes(enumerate(walk)) == [True, True, True]
    assert changes(["a"]) == []


@given(st.lists(st.lists(st.booleans())))
def test_the_share_is_between_none_and_all(replies: list[list[bool]]) -> None:
    efficacy = Efficacy()
    for flags in replies:
        efficacy.add(flags)
    said = [flag for flags in replies for flag in flags]
    assert 0 <= efficacy.share <= 1
    assert efficacy.share * len(said) == pytest.approx(sum(said))
