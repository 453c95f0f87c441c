"""Sessions and programs: a worker's life, as those who use it see it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from turnwise.errors import SandboxError
from turnwise.tools.sandbox.backends import choose
from turnwise.tools.sandbox.launch import MIB, Backend
from turnwise.tools.sandbox.limits import Execution, SandboxLimits
from turnwise.tools.sandbox.process import Serve, Worker


class Stub(msgspec.Struct, frozen=True):
    """A function in the sandbox that calls a tool outside."""

    function: str
    """Its name there."""
    tool: str
    parameters: list[str]
    """Names of the arguments, in the order in which they may be given without."""
    doc: str
    loose: bool = False
    """Whether the last argument is a list whose items may be given one by one."""


class PythonSession:
    """Python in a sandbox: cells share one namespace until the session is closed.

    Used with `async with`. The process starts with the first cell. Where a cell loses it (too much memory, no
    end in time), the next one runs in a fresh process and says so (`Execution.state_lost`).

    Args:
        limits: What the code may use.
        backend: What keeps it in, or its name (`bwrap`, `container`, `unsafe-host`); by default `choose()`.
        seed: Seeds `random` and `numpy.random` inside.
    """

    def __init__(
        self,
        *,
        limits: SandboxLimits | None = None,
        backend: Backend | str | None = None,
        seed: int | None = None,
    ) -> None:
        self.limits = limits or SandboxLimits()
        self._backend = backend
        self._seed = seed
        self._worker: Worker | None = None
        self._lost = False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> PythonSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, code: str, *, echo: bool = True, serve: Serve | None = None) -> Execution:
        """Run one cell.

        Args:
            code: Python source.
            echo: Whether a last expression's value is given back, as a notebook does.
            serve: Answers calls of tools (see `offer`), in time that does not count.

        Raises:
            SandboxError: the sandbox failed, not the code in it.
        """
        async with self._lock:
            return await self._ask({"do": "cell", "code": code, "echo": echo}, serve)

    async def offer(self, stubs: Sequence[Stub]) -> None:
        """Put functions into the namespace that call tools; a later process has none of them."""
        async with self._lock:
            await self._ask({"do": "tools", "tools": [msgspec.to_builtins(stub) for stub in stubs]})

    async def run_program(self, code: str, stdin: str = "") -> Execution:
        """Run a whole program as `python main.py` would; a process is good for one (see `run_program`)."""
        self._check_size("standard input", stdin.encode("utf-8", "surrogatepass"))
        async with self._lock:
            return await self._ask({"do": "program", "code": code, "stdin": stdin})

    async def write(self, name: str, data: bytes) -> None:
        """Put a file into the working directory of the code.

        Raises:
            SandboxError: it cannot be written.
        """
        self._check_size(repr(name), data)
        async with self._lock:
            done = await self._ask({"do": "file", "name": name, "data": base64.b64encode(data).decode()})
        if done.error:
            raise SandboxError(f"cannot write {name!r} in the sandbox: {done.error}")

    async def close(self) -> None:
        """End the process and everything it started."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    def _check_size(self, what: str, data: bytes) -> None:
        most = min(self.limits.file_mb, self.limits.tmp_mb)
        if len(data) > most * MIB:
            raise SandboxError(
                f"{what} has {len(data):,} bytes, but the sandbox holds {most} MiB: raise "
                "SandboxLimits.file_mb and tmp_mb"
            )

    async def _ask(self, request: dict[str, Any], serve: Serve | None = None) -> Execution:
        if self._worker is None:
            backend = self._backend
            if backend is None or isinstance(backend, str):
                backend = choose(backend)
            self._worker = await Worker.start(backend, self.limits, self._seed)
        lost, self._lost = self._lost, False
        try:
            execution = await self._worker.ask(request, serve)
        except BaseException:
            self._lost = True
            await self.close()
            raise
        if execution.killed is not None:
            self._lost = True
            await self.close()
        return msgspec.structs.replace(execution, state_lost=True) if lost else execution


async def run_program(
    code: str,
    stdin: str = "",
    *,
    files: dict[str, bytes] | None = None,
    limits: SandboxLimits | None = None,
    backend: Backend | str | None = None,
    seed: int | None = None,
) -> Execution:
    """Run a whole program in a process of its own, as `python main.py` would.

    Args:
        code: Its source.
        stdin: Its standard input.
        files: Files in its working directory.
        limits: What it may use.
        backend: What keeps it in, or its name.
        seed: Seeds `random` and `numpy.random` inside.

    Raises:
        SandboxError: the sandbox failed, not the program in it.
    """
    async with PythonSession(limits=limits, backend=backend, seed=seed) as session:
        for name, data in (files or {}).items():
            await session.write(name, data)
        return await session.run_program(code, stdin)
