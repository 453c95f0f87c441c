"""Python cells of one episode, whose process can be had again at any time by running them again.

What a cell prints may depend on the clock or on chance, so its user records it (as an effect of the episode)
and a replay starts no process at all. Where an episode goes on live (resume, fork), the cells before are run
again, in order, for the sake of their variables; those before the last loss of the process are left out, as
their variables were gone anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from turnwise.tools.sandbox import Backend, Execution, PythonSession, SandboxLimits


class Cells:
    """The cells of one session, and the process that has run some of them; used with `async with`.

    Args:
        limits: What the code may use.
        seed: Seeds `random` and `numpy.random` inside, so that cells run again do the same.
        backend: What keeps it in, or its name.
        preamble: Code to run first in every new process.
    """

    def __init__(
        self,
        *,
        limits: SandboxLimits | None = None,
        seed: int | None = 0,
        backend: Backend | str | None = None,
        preamble: Callable[[], str] | None = None,
    ) -> None:
        self._limits = limits
        self._seed = seed
        self._backend = backend
        self._preamble = preamble
        self._codes: list[str] = []
        self._first: int = 0
        """The first cell whose variables are not lost."""
        self._next: int = 0
        """The first cell that the process has not run."""
        self._session: PythonSession | None = None
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Cells:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.restart()

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, code: str) -> int:
        """Add a cell behind the others; returns its number."""
        self._codes.append(code)
        return len(self._codes) - 1

    async def outcome(self, number: int) -> Execution:
        """Bring the process up to cell `number`, and say what came of that one; ask in the order of adding.

        Raises:
            SandboxError: the sandbox failed, not the code in it.
        """
        async with self._lock:
            execution = Execution()
            while self._next <= number:
                execution = await self._step()
            return execution

    def settle(self, number: int, execution: Execution) -> None:
        """Take over what is recorded of a cell: where it lost the process, nothing before it counts."""
        if execution.killed is not None:
            self._first = max(self._first, number + 1)
            self._next = max(self._next, self._first)

    async def ask(self, code: str) -> Execution | None:
        """Run code that is no cell, in the process as it is; None where there is none."""
        return None if self._session is None else await self._session.run(code)

    async def restart(self) -> None:
        """End the process; a later `outcome` starts a fresh one and runs the cells again."""
        session, self._session = self._session, None
        self._next = self._first
        if session is not None:
            await session.close()

    async def _step(self) -> Execution:
        """Run the next cell."""
        number = self._next
        try:
            if self._session is None:
                self._session = PythonSession(limits=self._limits, seed=self._seed, backend=self._backend)
                if self._preamble is not None:
                    await self._session.run(self._preamble())
            execution = await self._session.run(self._codes[number])
        except BaseException:
            await self.restart()
            raise
        if number == self._first and number > 0:
            execution = msgspec.structs.replace(execution, state_lost=True)
        self._next = number + 1
        if execution.killed is not None:
            # Not the session's own fresh start: the next process begins with the preamble, too.
            self._first = self._next
            await self.restart()
        return execution
