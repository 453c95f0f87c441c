"""Grading: the database that the reference calls lead to, what was said, what was called; their product.

Version 1: the database and the outputs, of an episode that came to its end. Version 2: the parts that the
task's reward is based on. What a judge has to say of a conversation (`NL_ASSERTION`) is left out where nobody
fills the role `judge`, and missing where the judge's answer cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple, cast

import msgspec

from turnwise.environments.service.tau_bench.rows import Action, TauTask
from turnwise.errors import ToolError
from turnwise.log import Turn
from turnwise.message import ToolCall
from turnwise.tools.desk import Desk
from turnwise.tools.tables import Base

_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


class Expected(NamedTuple):
    """What the reference calls of a task lead to."""

    desk: Desk
    """Not to be changed: it is kept."""
    key: str
    """Of its state."""


async def expected(desk: type[Desk], base: Base, published: bool, task: TauTask) -> Expected:
    """The database after the reference calls; those that are refused change nothing."""
    wanted = msgspec.json.encode(task.actions)
    known = _known(desk, base, published)
    if wanted not in known:
        made = cast("Any", desk)(base, published=published)
        for action in task.actions:
            await done(made, action)
        known[wanted] = Expected(made, made.key())
    return known[wanted]


@lru_cache(maxsize=32)
def _known(desk: type[Desk], base: Base, published: bool) -> dict[bytes, Expected]:
    """By reference calls: they are always the same, so they are played once."""
    return {}


async def done(desk: Desk, action: Action) -> None:
    """Make one call for nobody; a refusal is no matter."""
    with suppress(ToolError):
        await desk.do(action.name, **action.arguments)


def unsaid(texts: Iterable[str], outputs: Sequence[str]) -> list[str]:
    """The outputs that are in no text, whatever their case and the commas in the texts' numbers."""
    spoken = [text.lower().replace(",", "") for text in texts]
    return [output for output in outputs if not any(output.lower() in text for text in spoken)]


def uncalled(calls: Iterable[ToolCall], actions: Sequence[Action]) -> list[Action]:
    """The reference calls that were not made, as far as their arguments are compared."""
    made = [(call.name, _arguments(call)) for call in calls]
    return [action for action in actions if not any(_matches(action, name, given) for name, given in made)]


def _matches(action: Action, name: str, given: dict[str, Any] | None) -> bool:
    if name != action.name or given is None:
        return False
    compared = {*action.arguments, *given} if action.compare is None else action.compare
    return all(
        (key in given) == (key in action.arguments) and given.get(key) == action.arguments.get(key)
        for key in compared
    )


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        given = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", given) if isinstance(given, dict) else None


# What a judge is asked ---------------------------------------------------------------------------------


class _Result(msgspec.Struct):
    number: int
    met: bool
    reason: Any = None


class _Results(msgspec.Struct):
    results: list[_Result]


def question(turns: Sequence[Turn], assertions: Sequence[str]) -> str:
    """What a judge is asked about a conversation: which of the assertions hold of it."""
    told = "\n".join(
        f"{turn.role}: {turn.text}" for turn in turns if turn.role in ("agent", "user") and turn.text
    )
    wanted = "\n".join(f"{number}. {assertion}" for number, assertion in enumerate(assertions, start=1))
    return (
        "Below are a conversation of a service agent with a customer, and numbered statements about it. Say "
        "of each statement whether the conversation meets it.\n\n"
        f"<conversation>\n{told}\n</conversation>\n\n<statements>\n{wanted}\n</statements>\n\n"
        'Answer with one JSON object: {"results": [{"number": 1, "reason": "…", "met": true}, …]}'
    )


def unmet(answer: str, assertions: Sequence[str]) -> list[str] | None:
    """The assertions that are not met, as a judge's answer says, and why; None where it cannot be read."""
    found = _OBJECT.search(answer)
    if found is None:
        return None
    try:
        results = msgspec.json.decode(found[0], type=_Results).results
    except (msgspec.DecodeError, RecursionError):
        return None
    told = {one.number: one for one in results}
    if set(told) != set(range(1, len(assertions) + 1)):
        return None
    return [
        f"judge: {assertion}: {told[number].reason or 'not met'}"
        for number, assertion in enumerate(assertions, start=1)
        if not told[number].met
    ]
