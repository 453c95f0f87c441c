"""The Python session of one episode: what came of each cell is recorded, and rebuilt only where needed.

Code that a model wrote may print the time or random numbers, so a cell's outcome is an effect of the episode:
a replay reads it and starts no sandbox at all. An episode that goes on live (resume, fork) first runs the
recorded cells again, in order, so that their variables are there.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import msgspec

from turnwise.environments.mint import lookup
from turnwise.episode import Episode
from turnwise.tools.sandbox import Execution, PythonSession, SandboxLimits

LIMITS = SandboxLimits(wall_seconds=30.0)


class Notebook:
    """Runs cells in one namespace; used with `async with`, which ends the process, if any was started.

    Args:
        episode: Where outcomes are recorded.
        search: Answers the session's `wikipedia_search`; None where there is no such function.
    """

    def __init__(self, episode: Episode, search: lookup.Search | None = None) -> None:
        self._episode = episode
        self._search = search
        self._cells: list[str] = []
        self._done = 0
        """How many of the cells this process has run; those answered from the record it has not."""
        self._answers: dict[str, str] = {}
        self._resources = AsyncExitStack()
        self._session: PythonSession | None = None

    async def __aenter__(self) -> Notebook:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._close()

    @property
    def cells(self) -> int:
        """Cells run so far."""
        return len(self._cells)

    async def run(self, code: str) -> Execution:
        """Run one cell, or read from the record what came of it."""
        self._cells.append(code)
        value = await self._episode.effect("python", self._run)
        self._answers.update(value.get("lookups", {}))
        return msgspec.convert(value, Execution)

    async def _run(self) -> dict[str, Any]:
        """Bring the session to the last cell; where it asks for something new, look it up and begin again."""
        new: dict[str, str] = {}
        execution = await self._catch_up(self._answers)
        while self._search is not None and len(new) < lookup.MOST_LOOKUPS:
            asked = [query for query in await self._missed() if query not in new]
            if not asked:
                break
            for query in dict.fromkeys(asked):
                new[query] = await self._search(query)
            await self._close()
            execution = await self._catch_up(self._answers | new)
        value = msgspec.to_builtins(execution)
        return {**value, "lookups": new} if new else value

    async def _catch_up(self, answers: dict[str, str]) -> Execution:
        if self._session is None:
            self._session = await self._resources.enter_async_context(PythonSession(limits=LIMITS))
            if self._search is not None:
                await self._session.run(lookup.preamble(answers))
        execution = Execution()
        for cell in self._cells[self._done :]:
            execution = await self._session.run(cell)
        self._done = len(self._cells)
        return execution

    async def _missed(self) -> list[str]:
        if self._session is None or "wikipedia_search" not in "".join(self._cells):
            return []
        return lookup.missed((await self._session.run(lookup.MISSED)).output)

    async def _close(self) -> None:
        await self._resources.aclose()
        self._session, self._done = None, 0
