"""An entry that was made here: its base, and what the rules of the harder categories need to know of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from turnwise.environments.parts.asks import Ask, hold_out, leave_out
from turnwise.environments.service.bfcl.rows import BfclTask, Category
from turnwise.tools.written import written_calls


class Entry(NamedTuple):
    """What all four categories of one entry are made of."""

    name: str
    config: dict[str, dict[str, Any]]
    """What each API begins with."""
    asks: tuple[Ask, ...]
    held: tuple[int, tuple[str, ...]]
    """Which request comes a turn too early, and the functions it lacks."""
    left: tuple[int, str, str]
    """Which request lacks a parameter, how it is put then, and what supplies it."""

    def task(self, category: Category) -> BfclTask:
        """The entry in a category."""
        return BfclTask(
            id=f"{category}/{self.name}",
            category=category,
            asks=self._asks(category),
            apis=tuple(self.config),
            config=self.config,
        )

    def _asks(self, category: Category) -> tuple[Ask, ...]:
        if category == "miss_func":
            at, functions = self.held
            return hold_out(self.asks, functions, at, uses=set(functions_of(self.asks[:at])))
        if category == "miss_param":
            at, says, supplies = self.left
            return leave_out(self.asks, at, says=says, supplies=supplies)
        return self.asks


def functions_of(asks: tuple[Ask, ...]) -> list[str]:
    """Names of the functions that some requests need, in order."""
    return [call.name for ask in asks for text in ask.calls for call in written_calls(text)]
