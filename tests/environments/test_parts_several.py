"""Several actions in one reply: offered, rendered, read and done."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnwise.environments.parts.several import Game, Several, perform

NAMES = ("up", "down", "left", "right")
STOP = 4


class Corridor(Game):
    """Squares 0 to 3; the last is the goal. It counts steps, but not in its state."""

    NAMES: ClassVar[tuple[str, ...]] = ("back", "on")

    def __init__(self) -> None:
        self.at = 0
        self.steps = 0

    def state(self) -> int:
        return self.at

    def act(self, action: int) -> None:
        self.steps += 1
        self.at = max(0, self.at + (1 if action else -1))
        self.over = self.at == 3


def ids(space: Several, *chosen: int) -> list[int]:
    return [action.id for action in space.offer(chosen).actions]


def test_all_actions_come_first_then_also_the_end_until_it_is_full() -> None:
    space = Several(NAMES, most=2)
    assert ids(space) == [0, 1, 2, 3]
    assert ids(space, 3) == [0, 1, 2, 3, STOP]
    assert ids(space, 3, STOP) == []
    assert ids(space, 3, 0) == []
    assert ids(Several(NAMES, most=1), 2) == []


@pytest.mark.parametrize("chosen", [[STOP], [4, 0], [0, STOP, 1], [0, 5], [-1], [0, 1, STOP], [0, 1, 2]])
def test_what_was_not_offered_is_refused(chosen: list[int]) -> None:
    with pytest.raises(ValueError, match="expected up to 2 of 0 to 3"):
        Several(NAMES, most=2).offer(chosen)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.booleans())
def test_what_is_chosen_is_read_as_it_was_meant(actions: list[int], ended: bool) -> None:
    space = Several(NAMES, most=9)
    chosen = [*actions, STOP] if ended and len(actions) < 9 else actions
    space.offer(chosen)
    assert space.read(space.render(chosen)) == actions


@pytest.mark.parametrize(
    "reply",
    [
        "up, left",
        "UP left",
        "up;left.",
        "up || left",
        "Up\n\nLeft",
        "up|left",
        "I go <answer>up, left</answer>",
        "<answer>down</answer> no: <answer>up left</answer> thanks",
        "well, <answer> up left",
    ],
)
def test_ways_to_write_up_and_left(reply: str) -> None:
    assert Several(NAMES, most=5).read(reply) == [0, 2]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("", "No action was given"),
        ("<answer></answer>", "No action was given"),
        ("up, fly, left", "'fly' is no action"),
        ("I think up", "'I' is no action"),
        ("up " * 6, "More than 5 actions"),
        ("up " * 100_000, "More than 5 actions"),
        ("9" * 100_000, "'99999999999999999999' is no action"),
        ("\udcff ², ³", "is no action"),
    ],
)
def test_what_is_no_reply_is_told_so_in_one_line(reply: str, why: str) -> None:
    said = Several(NAMES, most=5).read(reply)
    assert isinstance(said, str)
    assert why in said
    assert "one to 5 of up, down, left, right" in said
    assert "\n" not in said


@given(st.text())
def test_any_text_is_read(reply: str) -> None:
    assert isinstance(Several(NAMES, most=5).read(reply), list | str)


def test_each_action_has_a_flag_and_those_after_the_end_are_in_vain() -> None:
    game = Corridor()
    assert perform(game, [0, 1, 1, 0, 1, 1, 1, 0]) == [False, True, True, True, True, True, False, False]
    assert (game.over, game.steps) == (True, 6)
    assert perform(game, [1]) == [False]
    assert perform(Corridor(), []) == []
