"""Fixed requests made harder by rules: tools held out, a parameter left out, noise."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwise
from turnwise import Environment
from turnwise.environments.parts.asks import MORE_TOOLS, Ask, Noisy, held_out, hold_out, leave_out, noise
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.tools.function import tool

ASKS = tuple(Ask(says=f"ask {number}", calls=(f"f{number}()",)) for number in range(3))


def test_a_tool_is_held_out_for_a_turn() -> None:
    made = hold_out(ASKS, ["f1", "g"], 1, uses=["f0"])
    assert [ask.says for ask in made] == ["ask 0", "ask 1", MORE_TOOLS, "ask 2"]
    assert [ask.calls for ask in made] == [("f0()",), (), ("f1()",), ("f2()",)]
    assert made[2].gives == ("f1", "g")
    assert held_out(made) == {"f1", "g"}
    assert held_out(ASKS) == set()


def test_a_parameter_is_left_out_for_a_turn() -> None:
    made = leave_out(ASKS, 0, says="ask something", supplies="ask 0")
    assert [(ask.says, ask.calls) for ask in made[:2]] == [("ask something", ()), ("ask 0", ("f0()",))]
    assert made[2:] == ASKS[1:]


def test_both_go_together() -> None:
    made = leave_out(hold_out(ASKS, ["f2"], 2), 1, says="?", supplies="!")
    assert [bool(ask.calls) for ask in made] == [True, False, True, False, True]
    assert held_out(made) == {"f2"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hold_out(ASKS, ["f0"], 1, uses=["f0"]), "comes after calls of f0"),
        (lambda: hold_out(ASKS, [], 1), "at least one tool"),
        (lambda: hold_out(ASKS, ["f1"], 3), "no request 3 that calls tools; there are 3"),
        (lambda: leave_out(ASKS, -1, says="", supplies=""), "no request -1"),
        (lambda: leave_out([Ask(says="?")], 0, says="", supplies=""), "no request 0"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


@given(st.text(max_size=5), st.integers(0, 5000))
def test_noise_is_about_so_long_and_always_the_same(seed: str, characters: int) -> None:
    made = noise(seed, characters)
    assert made == noise(seed, characters)
    assert characters <= len(made) + 1 <= characters + 120 or not characters
    assert noise(seed + "x", characters) != made or not characters


@tool(kind="read")
def look() -> str:
    """Look."""
    return "a view"


class Loud(Environment, frozen=True, kw_only=True):
    """One look."""

    async def run(self, task: Any, episode: Episode) -> None:
        """Look."""
        made = Noisy(look, characters=200)
        assert (made.spec, made.terms) == (look.spec, look.terms)
        said = await episode.agent.answer(made, {})
        episode.note(said)


def test_a_result_comes_with_noise_behind_it(tmp_path: Any) -> None:
    run = turnwise.run(Loud(), ["x"], store=tmp_path / "t.db")
    (note,) = run.episode(0).notes
    assert note.value == f"a view\n{noise('0/look/a view', 200)}"
