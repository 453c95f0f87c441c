"""A task as a row of fixed requests, each with the calls that meet it; and ways to make it harder.

Any such task can be changed without a model: tools are held out until later (`hold_out`), a parameter is
left out and supplied in the next turn (`leave_out`), what tools tell is drowned in noise (`Noisy`). These
are BFCL's three: missing function, missing parameter, long context.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from turnwise.errors import ConfigError
from turnwise.message import Content
from turnwise.role import Role
from turnwise.tool import Tool, Wrapped
from turnwise.wire import Record

MORE_TOOLS = "I have updated some more functions you can choose from. What about now?"
"""What is said where tools are given back, as published."""


class Ask(Record, frozen=True, kw_only=True):
    """One request."""

    says: str
    """In the user's words."""
    calls: tuple[str, ...] = ()
    """Calls that meet it, as they are written in Python; none where it cannot be met yet."""
    gives: tuple[str, ...] = ()
    """Tools that are there from this request on, and not before."""


def held_out(asks: Iterable[Ask]) -> set[str]:
    """Tools that are not there from the beginning."""
    return {name for ask in asks for name in ask.gives}


def hold_out(
    asks: Sequence[Ask],
    tools: Collection[str],
    at: int,
    *,
    uses: Collection[str] = (),
    says: str = MORE_TOOLS,
) -> tuple[Ask, ...]:
    """The same task, where the request at `at` cannot be met at first: its tools come one turn later.

    Args:
        asks: The task.
        tools: Names of those that are held out.
        at: Which request, from 0.
        uses: Names of the tools that are called before it, which must not be held out.
        says: What is said when they are there.

    Raises:
        ConfigError: there is no such request, it calls nothing, or the tools are needed before.
    """
    ask = _at(asks, at)
    needed = set(tools) & set(uses)
    if needed:
        raise ConfigError(f"hold out: request {at} comes after calls of {', '.join(sorted(needed))}")
    if not tools:
        raise ConfigError("hold out: expected at least one tool")
    given = Ask(says=says, calls=ask.calls, gives=tuple(tools))
    return (*asks[:at], Ask(says=ask.says, gives=ask.gives), given, *asks[at + 1 :])


def leave_out(asks: Sequence[Ask], at: int, *, says: str, supplies: str) -> tuple[Ask, ...]:
    """The same task, where the request at `at` lacks a parameter, which the next turn supplies.

    Args:
        asks: The task.
        at: Which request, from 0.
        says: The request without it.
        supplies: What is said then.

    Raises:
        ConfigError: there is no such request, or it calls nothing.
    """
    ask = _at(asks, at)
    vague = Ask(says=says, gives=ask.gives)
    return (*asks[:at], vague, Ask(says=supplies, calls=ask.calls), *asks[at + 1 :])


def _at(asks: Sequence[Ask], at: int) -> Ask:
    if not 0 <= at < len(asks) or not asks[at].calls:
        raise ConfigError(f"there is no request {at} that calls tools; there are {len(asks)} requests")
    return asks[at]


# Noise ---------------------------------------------------------------------------------------------------

_WORDS = (
    "figure", "report", "quarter", "draft", "annex", "review", "margin", "index", "notice", "record",
    "office", "weather", "survey", "handle", "ledger", "bridge", "folder", "signal", "garden", "column",
)  # fmt: skip


class Noisy(Wrapped):
    """A tool whose results come with noise behind them: the same for the same result.

    Args:
        tool: Any tool.
        characters: About how much noise.
        seed: Of the noise.
    """

    def __init__(self, tool: Tool, *, characters: int, seed: int = 0) -> None:
        super().__init__(tool)
        self.characters = characters
        self.seed = seed

    async def call(self, arguments: dict[str, Any], role: Role) -> Content:
        """Call it; what is no text is left alone."""
        content = await role.answer(self.tool, arguments)
        if not isinstance(content, str):
            return content
        return f"{content}\n{noise(f'{self.seed}/{self.spec.name}/{content}', self.characters)}"


def noise(seed: str, characters: int) -> str:
    """About so many characters of lines that say nothing, the same for the same seed."""
    rng = random.Random(seed)
    lines: list[str] = []
    length = 0
    while length < characters:
        lines.append(f"-- {' '.join(rng.choices(_WORDS, k=8))} {rng.randint(1000, 9999)}")
        length += len(lines[-1]) + 1
    return "\n".join(lines)
