"""Driving a worker: start it, hand it code, collect what it prints, and end it when its time is up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
from pathlib import Path
from typing import Any

import msgspec

from turnwise.errors import SandboxError
from turnwise.tools.sandbox.backends import Backend, Launch, choose, filter_descriptor
from turnwise.tools.sandbox.limits import Execution, Killed, SandboxLimits, cut, shorten

_MIB = 2**20
_START_SECONDS = 60.0
_WATCH_SECONDS = 0.1
_LOST = "The process is gone, and with it all variables."


class PythonSession:
    """Python in a sandbox: cells share one namespace until the session is closed.

    Used with `async with`. The process starts with the first cell. Where a cell loses it (too much memory, no
    end in time), the next one runs in a fresh process and says so (`Execution.state_lost`).

    Args:
        limits: What the code may use.
        backend: What keeps it in; by default `choose()`.
        seed: Seeds `random` and `numpy.random` inside.
    """

    def __init__(
        self, *, limits: SandboxLimits | None = None, backend: Backend | None = None, seed: int | None = None
    ) -> None:
        self.limits = limits or SandboxLimits()
        self._backend = backend
        self._seed = seed
        self._worker: _Worker | None = None
        self._lost = False
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> PythonSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, code: str, *, echo: bool = True) -> Execution:
        """Run one cell.

        Args:
            code: Python source.
            echo: Whether a last expression's value is given back, as a notebook does.

        Raises:
            SandboxError: the sandbox failed, not the code in it.
        """
        async with self._lock:
            return await self._ask({"do": "cell", "code": code, "echo": echo})

    async def write(self, name: str, data: bytes) -> None:
        """Put a file into the working directory of the code.

        Raises:
            SandboxError: it cannot be written.
        """
        import base64

        async with self._lock:
            done = await self._ask({"do": "file", "name": name, "data": base64.b64encode(data).decode()})
        if done.error:
            raise SandboxError(f"cannot write {name!r} in the sandbox: {done.error}")

    async def close(self) -> None:
        """End the process and everything it started."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.end()

    async def _ask(self, request: dict[str, Any]) -> Execution:
        if self._worker is None:
            self._worker = await _Worker.start(self._backend or choose(), self.limits, self._seed)
        lost, self._lost = self._lost, False
        try:
            execution = await self._worker.ask(request)
        except BaseException:
            await self.close()
            self._lost = True
            raise
        if execution.killed is not None:
            await self.close()
            self._lost = True
        return msgspec.structs.replace(execution, state_lost=True) if lost else execution


async def run_program(
    code: str,
    stdin: str = "",
    *,
    files: dict[str, bytes] | None = None,
    limits: SandboxLimits | None = None,
    backend: Backend | None = None,
    seed: int | None = None,
) -> Execution:
    """Run a whole program in a process of its own, as `python main.py` would.

    Args:
        code: Its source.
        stdin: Its standard input.
        files: Files in its working directory.
        limits: What it may use.
        backend: What keeps it in.
        seed: Seeds `random` and `numpy.random` inside.

    Raises:
        SandboxError: the sandbox failed, not the program in it.
    """
    async with PythonSession(limits=limits, backend=backend, seed=seed) as session:
        for name, data in (files or {}).items():
            await session.write(name, data)
        return await session._ask({"do": "program", "code": code, "stdin": stdin})  # pyright: ignore[reportPrivateUsage]


class _Output:
    """What the code printed since the last mark: its head and tail, and how much there was."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.total = 0
        self._head = b""
        self._tail = b""

    def add(self, data: bytes) -> None:
        """More of it."""
        self.total += len(data)
        room = 4 * self.limit - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail = (self._tail + data)[-4 * self.limit :]

    def text(self) -> str:
        """As text, with the middle left out where it was too long."""
        head = self._head.decode("utf-8", "replace")
        if not self._tail:
            return shorten(head, self.limit)
        tail = self._tail.decode("utf-8", "replace")
        if len(self._head) + len(self._tail) == self.total:
            return shorten(head + tail, self.limit)
        return cut(head, tail, self.total, self.limit)


class _Worker:
    """One worker process."""

    def __init__(self, process: asyncio.subprocess.Process, launch: Launch, limits: SandboxLimits) -> None:
        self._process = process
        self._launch = launch
        self._limits = limits
        self._most = max(4 * _MIB, 100 * limits.output_chars)
        """Bytes of output after which the code is stopped."""

    @classmethod
    async def start(cls, backend: Backend, limits: SandboxLimits, seed: int | None) -> _Worker:
        """Start a worker and wait until it is ready.

        Raises:
            SandboxError: it does not start.
        """
        launch = backend.launch(limits)
        try:
            with filter_descriptor(launch) as (command, descriptors):
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    pass_fds=descriptors,
                    start_new_session=True,
                    env={"PATH": os.environ.get("PATH", "/usr/bin:/bin")},
                    limit=4 * _MIB,
                )
        except OSError as error:
            raise SandboxError(f"the sandbox {backend.name!r} cannot be started: {error}") from error
        worker = cls(process, launch, limits)
        try:
            async with asyncio.timeout(_START_SECONDS):
                worker._send(worker._setup(seed))
                ready = await worker._frame()
        except (TimeoutError, asyncio.IncompleteReadError, OSError, ValueError):
            await worker.end()
            text = await _rest(process)
            raise SandboxError(
                f"the sandbox {backend.name!r} does not start: {text or 'no answer'}"
            ) from None
        except BaseException:
            await worker.end()
            raise
        if ready.get("id") != "ready":
            await worker.end()
            raise SandboxError(f"the sandbox {backend.name!r} does not start: {ready}")
        return worker

    async def ask(self, request: dict[str, Any]) -> Execution:
        """Run one request to its end, or to the end of the process."""
        ident = secrets.token_hex(16)
        output = _Output(self._limits.output_chars)
        trouble: list[Killed] = []
        try:
            self._send({**request, "id": ident})
        except OSError:
            return self._gone(output, "exited")
        printed = asyncio.create_task(self._collect(output, f"\x1e{ident}\x1e".encode(), trouble))
        answered = asyncio.create_task(self._frame())
        watched = asyncio.create_task(self._watch(trouble))
        try:
            timed_out = await self._wait(answered, watched, trouble)
            if not answered.done():
                await self._kill()
                await _quiet(printed)
                return self._gone(output, trouble[0] if trouble else "timeout")
            try:
                answer = answered.result()
            except (asyncio.IncompleteReadError, OSError):
                await _quiet(printed)
                return self._gone(output, trouble[0] if trouble else "exited")
            except ValueError:
                await self._kill()
                return self._gone(output, "protocol")
            if answer.get("id") != ident:
                await self._kill()
                return self._gone(output, "protocol")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(printed), 5.0)
            if not printed.done() or (trouble and trouble[0] in ("output", "memory")):
                await self._kill()
                return self._gone(output, trouble[0] if trouble else "processes")
            return self._execution(answer, output, timed_out=timed_out)
        finally:
            for task in (printed, answered, watched):
                task.cancel()
            await asyncio.gather(printed, answered, watched, return_exceptions=True)

    async def end(self) -> None:
        """End the process and all it started, and wait until it is gone."""
        await self._kill()
        if self._launch.host_directory is not None:
            await asyncio.to_thread(shutil.rmtree, self._launch.host_directory, ignore_errors=True)

    # Inside -------------------------------------------------------------------------------------------

    async def _wait(
        self, answered: asyncio.Task[Any], watched: asyncio.Task[None], trouble: list[Killed]
    ) -> bool:
        """Wait for the answer; interrupt the code where its time is up. Says whether it was."""
        limits = self._limits
        both = {answered, watched}
        await asyncio.wait(both, timeout=limits.wall_seconds, return_when="FIRST_COMPLETED")
        if answered.done():
            return False
        if not trouble:
            self._interrupt()
            await asyncio.wait(
                {answered, watched}, timeout=limits.grace_seconds, return_when="FIRST_COMPLETED"
            )
            return True
        return False

    def _setup(self, seed: int | None) -> dict[str, Any]:
        limits = self._limits
        return {
            "limits": {
                "RLIMIT_AS": limits.memory_mb * _MIB,
                "RLIMIT_CORE": 0,
                "RLIMIT_FSIZE": limits.file_mb * _MIB,
                "RLIMIT_NOFILE": limits.open_files,
                **({"RLIMIT_NPROC": limits.processes} if self._launch.contained else {}),
            },
            "identity": self._launch.identity,
            "directory": self._launch.directory,
            "text_limit": limits.output_chars,
            "cpu_seconds": limits.cpu_seconds,
            "contained": self._launch.contained,
            "seed": seed,
        }

    def _send(self, frame: dict[str, Any]) -> None:
        body = msgspec.json.encode(frame)
        assert self._process.stdin is not None
        self._process.stdin.write(len(body).to_bytes(4, "big") + body)

    async def _frame(self) -> dict[str, Any]:
        """The next frame.

        Raises:
            IncompleteReadError: the process is gone.
            ValueError: what came is none.
        """
        assert self._process.stdout is not None
        size = int.from_bytes(await self._process.stdout.readexactly(4), "big")
        if size > 64 * self._limits.output_chars + _MIB:
            raise ValueError("a frame that is too long")
        frame = msgspec.json.decode(await self._process.stdout.readexactly(size))
        if not isinstance(frame, dict):
            raise ValueError("a frame that is no object")
        return frame  # pyright: ignore[reportUnknownVariableType]

    async def _collect(self, output: _Output, mark: bytes, trouble: list[Killed]) -> None:
        """Collect what is printed up to the mark."""
        assert self._process.stderr is not None
        held = b""
        while True:
            data = await self._process.stderr.read(65536)
            if not data:
                output.add(held)
                return
            held += data
            place = held.find(mark)
            if place >= 0:
                output.add(held[:place])
                return
            # A mark may be cut in two.
            keep = len(mark) - 1
            output.add(held[:-keep])
            held = held[-keep:]
            if output.total > self._most and not trouble:
                trouble.append("output")

    async def _watch(self, trouble: list[Killed]) -> None:
        """Ends when the processes together hold too much memory, or print too much."""
        most = self._limits.memory_mb * _MIB
        while not trouble:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._launch.contained and _resident(self._process.pid) > most and not trouble:
                trouble.append("memory")

    def _execution(self, answer: dict[str, Any], output: _Output, *, timed_out: bool) -> Execution:
        limit = self._limits.output_chars
        error, result = answer.get("error"), answer.get("result")
        cpu = bool(answer.get("cpu"))
        code = answer.get("exit")
        if timed_out and error:
            error = f"{error}\nStopped after {self._limits.wall_seconds:g} s."
        return Execution(
            output=output.text(),
            result_repr=None if result is None else shorten(str(result), limit),
            error=None if error is None else shorten(str(error), limit),
            exit_code=code if isinstance(code, int) else None,
            timed_out=timed_out or cpu,
        )

    def _gone(self, output: _Output, why: Killed) -> Execution:
        limits = self._limits
        reasons: dict[Killed, str] = {
            "timeout": f"Stopped after {limits.wall_seconds:g} s.",
            "output": "Stopped: it printed too much.",
            "memory": f"Stopped: its processes held more than {limits.memory_mb} MiB.",
            "exited": "The process ended by itself.",
            "processes": "Stopped: it would not let go of processes it had started.",
            "protocol": "Stopped: it broke the channel to its host.",
        }
        return Execution(
            output=output.text(), error=f"{reasons[why]} {_LOST}", timed_out=why == "timeout", killed=why
        )

    def _interrupt(self) -> None:
        for pid in _inner(self._process.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGINT)

    async def _kill(self) -> None:
        process = self._process
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


async def _quiet(task: asyncio.Task[None]) -> None:
    """Wait a little for what is still in the pipe."""
    await asyncio.wait({task}, timeout=1.0)


async def _rest(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    with contextlib.suppress(TimeoutError):
        text = await asyncio.wait_for(process.stderr.read(2000), 1.0)
        lines = text.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _inner(pid: int) -> list[int]:
    """The workers under a started command: past the processes of the sandbox itself."""
    names = {"bwrap", "docker", "podman", "env", "conmon"}
    try:
        name = re.sub(r"\s", "", Path(f"/proc/{pid}/comm").read_text())
    except OSError:
        return []
    if name in names:
        return [found for child in _children(pid) for found in _inner(child)]
    return [pid]


def _resident(pid: int) -> int:
    """Bytes of memory that a process and all its descendants hold."""
    total, waiting = 0, [pid]
    page = os.sysconf("SC_PAGE_SIZE")
    while waiting:
        one = waiting.pop()
        try:
            fields = Path(f"/proc/{one}/statm").read_text().split()
        except OSError:
            continue
        # Shared pages (of libraries, and of a fork) are not counted once more for each process.
        total += (int(fields[1]) - int(fields[2])) * page
        waiting += _children(one)
    return total
