"""BFCL's checks of a turn, as pure functions: state, results, and calls where none can be right.

After a turn whose reference is not empty, in this order: at least one call was made; each API's public state
is the one that the reference calls lead to; and each result of this turn's reference calls stands among all
results so far, as often as there. In which order calls are made does not matter. A turn whose reference is
empty is not checked, but for `strict`, by which it must be without calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from turnwise.wire import Record

Fault: TypeAlias = Literal[
    "empty_turn_model_response",
    "instance_state_mismatch",
    "execution_response_mismatch",
    "irrelevance_error",
]
"""As published."""
FORCED = "force_quit"
"""How an entry ends whose agent makes too many steps in one turn."""
State: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By API and attribute."""


class Check(Record, frozen=True, kw_only=True):
    """What came of the check of one turn."""

    turn: int
    """Which, from 0."""
    fault: Fault | None = None
    """None where it passes."""
    details: tuple[str, ...] = ()
    """The attributes that differ, or the results that are missing."""
    checked: bool = True
    """Whether there was something to check."""


def check(
    turn: int,
    *,
    reference: Sequence[str],
    calls: int,
    state: State,
    expected: State,
    results: Sequence[str],
    expected_results: Sequence[str],
    strict: bool = False,
) -> Check:
    """Check a turn.

    Args:
        turn: Which, from 0.
        reference: Its reference calls.
        calls: How many calls were made in it.
        state: Of the APIs after it.
        expected: The same, after all reference calls up to it.
        results: Of all calls so far.
        expected_results: Of this turn's reference calls.
        strict: Whether a call is wrong where the reference has none.
    """
    if not reference:
        if strict and calls:
            return Check(turn=turn, fault="irrelevance_error", details=(f"{calls} calls",))
        return Check(turn=turn, checked=strict)
    if not calls:
        return Check(turn=turn, fault="empty_turn_model_response")
    different = differences(state, expected)
    if different:
        return Check(turn=turn, fault="instance_state_mismatch", details=tuple(different))
    lacking = missing(expected_results, results)
    if lacking:
        return Check(turn=turn, fault="execution_response_mismatch", details=tuple(lacking))
    return Check(turn=turn)


def differences(state: State, expected: State) -> list[str]:
    """Names of the attributes (`API.attribute`) in which two states differ."""
    return [
        f"{api}.{name}"
        for api, attributes in expected.items()
        for name, value in attributes.items()
        if state[api].get(name) != value
    ]


def missing(expected: Sequence[str], results: Sequence[str]) -> list[str]:
    """The expected results that are not among the results; one that is twice expected must be there twice."""
    return list((Counter(expected) - Counter(results)).elements())


def passed(checks: Sequence[Check], turns: int) -> bool:
    """Whether an entry is right: all its turns were played, and none has a fault."""
    return len(checks) == turns and all(one.fault is None for one in checks)


_FAULTS: dict[Fault, str] = {
    "empty_turn_model_response": "no call was made",
    "instance_state_mismatch": "the state is not as it should be",
    "execution_response_mismatch": "results are missing",
    "irrelevance_error": "calls were made where none can be right",
}


def faults(checks: Sequence[Check]) -> list[str]:
    """What is wrong with each turn that has a fault, for people."""
    return [
        f"turn {one.turn + 1}: {_FAULTS[one.fault]}{': ' if one.details else ''}{'; '.join(one.details)}"
        for one in checks
        if one.fault is not None
    ]
