"""One worker process: start it, ask it, collect what it prints, and end it when its time is up.

The worker and all it says are untrusted: frames are read into a typed struct, of bounded size, and one that
does not fit ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeAlias

import msgspec

from turnwise import outside
from turnwise.errors import SandboxError
from turnwise.tools.sandbox.launch import MIB, Backend, Launch, environment, frame, opened, setup
from turnwise.tools.sandbox.limits import Execution, Killed, SandboxLimits, shorten
from turnwise.tools.sandbox.output import Output
from turnwise.tools.sandbox.processes import holds_more, workers

Serve: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, str]]]
"""A tool's name and arguments to what it says: `{"result": text}` or `{"error": text}`."""
_START_SECONDS = 60.0
_WATCH_SECONDS = 0.1
_DRAIN_SECONDS = 5.0
"""How long what a cell printed may take to arrive after its answer."""
_LOST = "The process is gone, and with it all variables."


class _Answer(msgspec.Struct, frozen=True):
    """What a worker answers with."""

    id: str
    result: str | None = None
    error: str | None = None
    exit: int | None = None
    cpu: bool = False
    """Whether the CPU time was used up."""
    call: str | None = None
    """A tool the code calls: this is no answer yet."""
    arguments: dict[str, Any] = {}


class Worker:
    """A running worker; made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, launch: Launch, limits: SandboxLimits) -> None:
        self._process = process
        self._launch = launch
        self._limits = limits
        self._most_output = max(4 * MIB, 100 * limits.output_chars)
        """Bytes of output after which the code is stopped."""

    @classmethod
    async def start(cls, backend: Backend, limits: SandboxLimits, seed: int | None) -> Worker:
        """Start a worker and wait until it is ready.

        Raises:
            SandboxError: it does not start.
        """
        launch = backend.launch(limits)
        try:
            with opened(launch) as (command, descriptors):
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    pass_fds=descriptors,
                    start_new_session=True,
                    env=environment(),
                )
        except OSError as error:
            raise SandboxError(f"the sandbox {backend.name!r} cannot be started: {error}") from error
        worker = cls(process, launch, limits)
        try:
            async with asyncio.timeout(_START_SECONDS):
                worker._send(setup(launch, limits, seed))
                await worker._frame()
        except (TimeoutError, asyncio.IncompleteReadError, OSError, ValueError):
            await worker.end()
            why = await worker._last_words() or "no answer"
            raise SandboxError(f"the sandbox {backend.name!r} does not start: {why}") from None
        except BaseException:
            await worker.end()
            raise
        return worker

    async def ask(self, request: dict[str, Any], serve: Serve | None = None) -> Execution:
        """Run one request to its end, or to the end of the process (`Execution.killed`).

        Args:
            request: What to do.
            serve: Answers calls of tools; the time it takes does not count.
        """
        ident = secrets.token_hex(16)
        output = Output(self._limits.output_chars)
        trouble: list[Killed] = []
        with contextlib.suppress(OSError):  # where it is gone, there will be no answer
            self._send({**request, "id": ident})
        printed = asyncio.create_task(self._collect(output, f"\x1e{ident}\x1e".encode(), trouble))
        answered = asyncio.create_task(self._frame())
        watched = asyncio.create_task(self._watch(trouble))
        try:
            left = self._limits.wall_seconds
            while True:
                start = monotonic()
                timed_out = await self._wait(answered, watched, trouble, left)
                left -= monotonic() - start
                call = None if serve is None or timed_out else _call(answered, ident)
                if call is None or serve is None:
                    break
                reply = await serve(call.call or "", call.arguments)
                with contextlib.suppress(OSError):
                    self._send(reply)
                answered = asyncio.create_task(self._frame())
            answer = _answer(answered, ident, timed_out=timed_out)
            if isinstance(answer, _Answer):
                await asyncio.wait({printed}, timeout=_DRAIN_SECONDS)
                if printed.done() and not trouble:
                    return self._execution(answer, output, timed_out=timed_out)
                why: Killed = "processes"  # they hold the pipe, so that the output does not end
            else:
                why = answer
            await self._kill()
            await asyncio.wait({printed}, timeout=1.0)
            return self._gone(output, trouble[0] if trouble else why)
        finally:
            for task in (printed, answered, watched):
                task.cancel()
            await asyncio.gather(printed, answered, watched, return_exceptions=True)

    async def end(self) -> None:
        """End the process and all it started, and wait until it is gone."""
        with outside.asked():
            await self._kill()
            if self._launch.remove is not None:
                await _run(self._launch.remove)
            if self._launch.host_directory is not None:
                await asyncio.to_thread(shutil.rmtree, self._launch.host_directory, ignore_errors=True)

    # Time and memory ----------------------------------------------------------------------------------

    async def _wait(
        self,
        answered: asyncio.Task[_Answer],
        watched: asyncio.Task[None],
        trouble: list[Killed],
        seconds: float,
    ) -> bool:
        """Wait for the answer; interrupt the code where its time is up. Says whether it was."""
        limits = self._limits
        both = {answered, watched}
        await asyncio.wait(both, timeout=max(seconds, 0.0), return_when="FIRST_COMPLETED")
        if answered.done() or trouble:
            return False
        await self._interrupt()
        await asyncio.wait(both, timeout=limits.grace_seconds, return_when="FIRST_COMPLETED")
        return True

    async def _watch(self, trouble: list[Killed]) -> None:
        """Ends where the code prints too much, or its processes together hold too much memory."""
        most = self._limits.memory_mb * MIB
        while not trouble:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._launch.visible and not trouble and holds_more(self._process.pid, most):
                trouble.append("memory")

    async def _interrupt(self) -> None:
        if self._launch.interrupt is not None:
            await _run(self._launch.interrupt)
        elif self._launch.visible:
            for pid in workers(self._process.pid):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGINT)

    async def _kill(self) -> None:
        process = self._process
        if process.returncode is None:
            # Not process.kill(), which polls, and so takes the exit status away from asyncio.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    # The channel --------------------------------------------------------------------------------------

    def _send(self, content: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(frame(content))

    async def _frame(self) -> _Answer:
        """The next frame.

        Raises:
            IncompleteReadError: the process is gone.
            ValueError: what came is none.
        """
        assert self._process.stdout is not None
        size = int.from_bytes(await self._process.stdout.readexactly(4), "big")
        if size > 64 * self._limits.output_chars + MIB:
            raise ValueError("a frame that is too long")
        body = await self._process.stdout.readexactly(size)
        try:
            return msgspec.json.decode(body, type=_Answer)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError("a frame that is no answer") from error

    async def _collect(self, output: Output, mark: bytes, trouble: list[Killed]) -> None:
        """Collect what is printed up to the mark."""
        assert self._process.stderr is not None
        held = b""
        while data := await self._process.stderr.read(65536):
            held += data
            place = held.find(mark)
            if place >= 0:
                output.add(held[:place])
                return
            # A mark may be cut in two.
            keep = len(mark) - 1
            output.add(held[:-keep])
            held = held[-keep:]
            if output.total > self._most_output and not trouble:
                trouble.append("output")
        output.add(held)

    async def _last_words(self) -> str:
        assert self._process.stderr is not None
        with contextlib.suppress(TimeoutError):
            text = await asyncio.wait_for(self._process.stderr.read(2000), 1.0)
            lines = text.decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    # What came of it ----------------------------------------------------------------------------------

    def _execution(self, answer: _Answer, output: Output, *, timed_out: bool) -> Execution:
        limits = self._limits
        error = answer.error
        if timed_out and error:
            error = f"{error}\nStopped after {limits.wall_seconds:g} s."
        return Execution(
            output=output.text(),
            result_repr=None if answer.result is None else shorten(answer.result, limits.output_chars),
            error=None if error is None else shorten(error, limits.output_chars),
            exit_code=answer.exit,
            timed_out=timed_out or answer.cpu,
        )

    def _gone(self, output: Output, why: Killed) -> Execution:
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


def _answer(answered: asyncio.Task[_Answer], ident: str, *, timed_out: bool) -> _Answer | Killed:
    """The answer to `ident`, or why there is none."""
    if not answered.done():
        return "timeout"
    try:
        answer = answered.result()
    except (asyncio.IncompleteReadError, OSError):
        return "exited"
    except ValueError:
        return "protocol"
    if answer.id == ident and answer.call is None:
        return answer
    # A call that came as time was up is no fault of the code's.
    return "timeout" if answer.id == ident and timed_out else "protocol"


def _call(answered: asyncio.Task[_Answer], ident: str) -> _Answer | None:
    """The tool call that came instead of an answer."""
    if not answered.done() or answered.exception() is not None:
        return None
    said = answered.result()
    return said if said.call is not None and said.id == ident else None


async def _run(command: list[str]) -> None:
    """Run a container engine's command; it may fail where the container is gone."""
    with contextlib.suppress(OSError):
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
        )
        await process.wait()
