"""What sandboxed code may use, and what came of running it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Killed: TypeAlias = Literal["timeout", "output", "memory", "exited", "processes", "protocol"]
"""Why a sandbox process is gone: it did not stop when its time or output was spent (`timeout`, `output`), its
processes held too much (`memory`), it ended itself (`exited`), it would not let go of processes it had
started (`processes`), or it broke the protocol (`protocol`)."""


class SandboxLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a sandbox; the package's docstring says which are hard and for what."""

    wall_seconds: float = 30.0
    """Longest a cell or program may take."""
    grace_seconds: float = 1.0
    """How long an interrupted cell may take to stop before it is killed."""
    cpu_seconds: int = 30
    """CPU time a process may use for one cell, in whole seconds."""
    memory_mb: int = 1024
    """Address space of each process, and resident memory of all of them together, in MiB."""
    tmp_mb: int = 256
    """Size of `/tmp`, and of `/dev/shm`, in MiB. Both live in memory."""
    file_mb: int = 64
    """Largest file the code may write, in MiB."""
    processes: int = 32
    """Most processes and threads at a time, counting the three that the sandbox itself may take."""
    open_files: int = 256
    """Most open file descriptors of a process."""
    output_chars: int = 20_000
    """Characters kept of the output, of the result and of the error, each."""

    def __post_init__(self) -> None:
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            least = {"processes": 4, "open_files": 64, "memory_mb": 64, "grace_seconds": 0}.get(
                field.name, 0.001
            )
            if value < least:
                raise ValueError(f"SandboxLimits.{field.name}: expected at least {least}, got {value}")


class Execution(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of running one cell or program. All text is the code's own, hence untrusted."""

    output: str = ""
    """Standard output and error in the order written; the middle is left out where it was too long."""
    result_repr: str | None = None
    """`repr` of the last expression, where the cell ends in one that is not None (and echo is on)."""
    error: str | None = None
    """The traceback as Python shows it, or a line saying why the code was stopped."""
    exit_code: int | None = None
    """Of a program that ended by itself: 0, or what it exited with. None for cells."""
    timed_out: bool = False
    """Whether it was stopped for taking too long."""
    killed: Killed | None = None
    """Why the process is gone; None where it lives on with its variables."""
    state_lost: bool = False
    """Whether this cell ran in a fresh namespace because the process of the earlier cells was gone."""

    @property
    def ok(self) -> bool:
        """Whether the code ran to its end without an error."""
        return self.error is None

    @property
    def text(self) -> str:
        """All of it as a notebook would show it: output, result, error; empty where there is none."""
        parts = [part.rstrip("\n") for part in (self.output, self.result_repr, self.error) if part]
        return "\n".join(part for part in parts if part)


def shorten(text: str, limit: int) -> str:
    """`text`, or its head and tail with a notice between, so that `limit` characters of it are kept."""
    if len(text) <= limit:
        return text
    return cut(text, text, len(text), limit)


def cut(head: str, tail: str, total: int, limit: int) -> str:
    """The first and last halves of `limit` characters, and how many of `total` are missing between them."""
    first = limit // 2
    last = limit - first
    return f"{head[:first]}\n[... {total - limit:,} characters left out ...]\n{tail[-last:]}"
