"""How a worker is started and told its limits: what each backend gives, and the channel's first words."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import msgspec

from turnwise.tools.sandbox.limits import SandboxLimits

MIB = 2**20


class Launch(NamedTuple):
    """How to start one worker, to interrupt it and to be rid of it."""

    command: list[str]
    filter: bytes | None = None
    """A system-call filter to hand over on the descriptor that stands in the command as `{filter}`."""
    directory: str = "/tmp"
    """Where the code works, as the worker sees it."""
    identity: int | None = None
    """User and group that the worker becomes."""
    contained: bool = True
    """Whether the worker has a process namespace of its own, so that it may kill everything in it."""
    counted: bool = True
    """Whether the worker limits the number of processes; not where its user has processes elsewhere."""
    visible: bool = True
    """Whether all processes lie below the started one, where this machine can watch and interrupt them."""
    interrupt: list[str] | None = None
    """Interrupts the code, where its processes are not visible."""
    remove: list[str] | None = None
    """Ends what outlives the started process."""
    host_directory: str | None = None
    """A folder on this machine to remove in the end."""


class Backend(Protocol):
    """One way to keep code in."""

    name: str

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        ...


def setup(launch: Launch, limits: SandboxLimits, seed: int | None) -> dict[str, Any]:
    """The worker's first frame: what it must do to itself before it runs any code."""
    bounds = {
        "RLIMIT_AS": limits.memory_mb * MIB,
        "RLIMIT_CORE": 0,
        "RLIMIT_FSIZE": limits.file_mb * MIB,
        "RLIMIT_NOFILE": limits.open_files,
    }
    if launch.counted:
        bounds["RLIMIT_NPROC"] = limits.processes
    return {
        "limits": bounds,
        "identity": launch.identity,
        "directory": launch.directory,
        "text_limit": limits.output_chars,
        "cpu_seconds": limits.cpu_seconds,
        "contained": launch.contained,
        "seed": seed,
    }


def frame(content: dict[str, Any]) -> bytes:
    """A frame of the channel: four bytes of length, big-endian, then JSON."""
    body = msgspec.json.encode(content)
    return len(body).to_bytes(4, "big") + body


@contextmanager
def opened(launch: Launch) -> Generator[tuple[list[str], tuple[int, ...]]]:
    """The command, with its filter on an open descriptor to pass on, and the descriptors."""
    if launch.filter is None:
        yield launch.command, ()
        return
    reader, writer = os.pipe()
    try:
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(launch.filter)
        yield [str(reader) if word == "{filter}" else word for word in launch.command], (reader,)
    finally:
        os.close(reader)


def environment() -> dict[str, str]:
    """What the started command itself sees of this process's environment: where programs and engines are."""
    kept = ("PATH", "HOME", "XDG_RUNTIME_DIR", "DOCKER_HOST", "DOCKER_CONTEXT", "CONTAINER_HOST")
    return {"PATH": "/usr/bin:/bin", **{name: os.environ[name] for name in kept if name in os.environ}}


def unused_user() -> int:
    """A user number that nobody has, so that the kernel counts and shields its processes for themselves."""
    return 2**28 + secrets.randbelow(2**29)
