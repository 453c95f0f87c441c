"""The Python session of one episode: what came of each cell is recorded, and rebuilt only where needed.

Code that a model wrote may print the time or random numbers, so a cell's outcome is an effect of the episode:
a replay reads it and starts no sandbox at all. An episode that goes on live (resume, fork) first runs the
recorded cells again, in order, so that their variables are there.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import msgspec

from turnwise.episode import Episode
from turnwise.tools.sandbox import Execution, PythonSession, SandboxLimits

LIMITS = SandboxLimits(wall_seconds=30.0)


class Notebook:
    """Runs cells in one namespace; used with `async with`, which ends the process, if any was started."""

    def __init__(self, episode: Episode) -> None:
        self.cells = 0
        """Cells run so far."""
        self._episode = episode
        self._waiting: list[str] = []
        """Cells that this process has not run: those answered from the record, and the next one."""
        self._resources = AsyncExitStack()
        self._session: PythonSession | None = None

    async def __aenter__(self) -> Notebook:
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self._resources.aclose()

    async def run(self, code: str) -> Execution:
        """Run one cell, or read from the record what came of it."""
        self.cells += 1
        self._waiting.append(code)
        return msgspec.convert(await self._episode.effect("python", self._run), Execution)

    async def _run(self) -> Any:
        if self._session is None:
            self._session = await self._resources.enter_async_context(PythonSession(limits=LIMITS))
        execution = Execution()
        while self._waiting:
            execution = await self._session.run(self._waiting.pop(0))
        return msgspec.to_builtins(execution)
