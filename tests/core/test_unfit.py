"""Settings that do not fit: the line says what would, at any depth, and no key is passed over."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import pytest

from turnwise import registry
from turnwise.unfit import stray, unfit


class Part(msgspec.Struct, frozen=True):
    """A part."""

    text: str
    weight: float = 1.0


class Inner(msgspec.Struct, frozen=True):
    """What is within."""

    level: Literal["easy", "hard"] | None = None
    parts: tuple[Part | str, ...] = ()
    free: dict[str, Any] = {}
    by_name: dict[str, Part] = {}


class Outer(msgspec.Struct, frozen=True):
    """Settings."""

    inner: Inner = Inner()
    size: Literal[1, 2] = 1


def told(raw: Any) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(raw, Outer)
    return unfit(error.value, Outer)


def test_choices_are_named_with_the_nearest() -> None:
    assert told({"size": 3}) == ("size", "3 is none of 1, 2")
    wrong = told({"inner": {"level": "esy"}})
    assert wrong == ("inner.level", "'esy' is none of easy, hard (did you mean 'easy'?)")
    assert told({"inner": {"parts": [{"text": 1}]}}) == ("inner.parts[0].text", "expected `str`, got `int`")


@pytest.mark.parametrize(
    ("raw", "place", "why"),
    [
        ({"iner": {}}, "", "there is no 'iner' (did you mean 'inner'?)"),
        ({"inner": {"levle": 1}}, "inner", "there is no 'levle' (did you mean 'level'?)"),
        ({"inner": {"parts": ["x", {"text": "a", "wait": 1}]}}, "inner.parts[1]", "there is no 'wait'"),
        ({"inner": {"by_name": {"x": {"zzz": 1}}}}, "inner.by_name.x", "no 'zzz'; it has text, weight"),
    ],
)
def test_keys_that_nothing_reads_are_found(raw: Any, place: str, why: str) -> None:
    found = stray(raw, Outer)
    assert found is not None
    assert found[0] == place
    assert why in found[1]


def test_what_is_right_or_free_is_left_alone() -> None:
    right = {"inner": {"parts": ["x", {"text": "a", "weight": 2}], "free": {"any": {"thing": 1}}}, "size": 2}
    assert stray(right, Outer) is None
    assert stray({"inner": "no table"}, Outer) is None, "what is of another type is told when it is made"


def test_the_settings_of_all_environments_and_judges_are_known() -> None:
    for group in ("environments", "judges"):
        for name in registry.entries(group):
            kind = registry.load(group, name)
            assert stray({}, kind) is None, name
            found = stray({"surely_not_there": 1}, kind)
            assert found is not None, name
            assert "surely_not_there" in found[1]
