"""The Python session of one episode: what came of each cell is recorded, and rebuilt only where needed.

The cells and their process are `turnwise.tools.cells`; here each outcome becomes an effect of the episode,
together with what the host looked up for it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from turnwise.environments.mint import lookup
from turnwise.episode import Episode
from turnwise.tools.cells import Cells
from turnwise.tools.sandbox import Execution, SandboxLimits

LIMITS = SandboxLimits(wall_seconds=30.0)


class Notebook:
    """Runs cells in one namespace; used with `async with`, which ends the process, if any was started.

    Args:
        episode: Where outcomes are recorded; its seed is that of the session's random numbers.
        search: Answers the session's `wikipedia_search`; None where there is no such function.
    """

    def __init__(self, episode: Episode, search: lookup.Search | None = None) -> None:
        self._episode = episode
        self._search = search
        self._answers: dict[str, str] = {}
        self._new: dict[str, str] = {}
        """Answers to what the cell at hand asked first."""
        preamble = None if search is None else lambda: lookup.preamble(self._answers | self._new)
        self._cells = Cells(limits=LIMITS, seed=episode.first_seed, preamble=preamble)

    async def __aenter__(self) -> Notebook:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._cells.restart()

    @property
    def cells(self) -> int:
        """Cells run so far."""
        return len(self._cells)

    async def run(self, code: str) -> Execution:
        """Run one cell, or read from the record what came of it."""
        number = self._cells.add(code)
        value = await self._episode.effect("python", lambda: self._outcome(number))
        self._answers.update(value.get("lookups", {}))
        execution = msgspec.convert(value, Execution)
        self._cells.settle(number, execution)
        return execution

    async def _outcome(self, number: int) -> dict[str, Any]:
        """Run a cell; where it asks for something new, look it up and begin again."""
        self._new = {}
        execution = await self._cells.outcome(number)
        while self._search is not None and len(self._new) < lookup.MOST_LOOKUPS:
            asked = [query for query in await self._missed() if query not in self._new]
            if not asked:
                break
            for query in dict.fromkeys(asked):
                self._new[query] = await self._search(query)
            await self._cells.restart()
            execution = await self._cells.outcome(number)
        value = msgspec.to_builtins(execution)
        return {**value, "lookups": self._new} if self._new else value

    async def _missed(self) -> list[str]:
        printed = await self._cells.ask(lookup.MISSED)
        return [] if printed is None else lookup.missed(printed.output)
