"""Which sandbox to use: bubblewrap, a container, or, where somebody says so by name, none.

A backend counts as working only where code has run in it, under the limits, here and now.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from threading import Timer
from typing import IO, Any, NamedTuple

import msgspec

from turnwise.errors import SandboxError
from turnwise.tools.sandbox.bubblewrap import WORKER, Bubblewrap
from turnwise.tools.sandbox.container import ENGINES, IMAGE_ENV, Container
from turnwise.tools.sandbox.launch import Backend, Launch, environment, frame, opened, setup
from turnwise.tools.sandbox.limits import SandboxLimits

ENV = "TURNWISE_SANDBOX"
"""Environment variable that chooses a backend by name."""
UNSAFE = "unsafe-host"
NAMES = (Bubblewrap.name, Container.name, UNSAFE)

_INSTALL = (
    "install bubblewrap (apt-get install bubblewrap, dnf install bubblewrap) or docker, or accept the risk "
    f"of running model-written code on this machine with {ENV}={UNSAFE}"
)
_TRIAL = "import os\nos.wait() if os.fork() else os._exit(0)\nopen('trial', 'w').close()\n6 * 7"
_TRIAL_SECONDS = 60


class BackendStatus(NamedTuple):
    """Whether a backend works here."""

    name: str
    works: bool
    detail: str


class UnsafeHost:
    """No sandbox at all: limits, a temporary folder and an empty environment, and no wall."""

    name = UNSAFE

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        folder = tempfile.mkdtemp(prefix="turnwise-")
        command = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}", "LANG=C.UTF-8", "PYTHONHASHSEED=0"]
        return Launch(
            [*command, sys.executable, "-s", str(WORKER)],
            directory=folder,
            contained=False,
            counted=False,
            host_directory=folder,
        )


def choose(name: str | None = None) -> Backend:
    """The backend of this name, or the one `TURNWISE_SANDBOX` names, or the first safe one that works here.

    Raises:
        SandboxError: there is none, with what to install or which risk to accept.
    """
    wanted = name or os.environ.get(ENV)
    if wanted and wanted not in NAMES:
        raise SandboxError(f"unknown sandbox {wanted!r}: expected {', '.join(NAMES)}")
    if wanted:
        backend, status = _tried(wanted)
        if backend is None:
            raise SandboxError(f"the sandbox {wanted!r} does not work here: {status.detail}")
        return backend
    failed: list[str] = []
    for safe in (Bubblewrap.name, Container.name):
        backend, status = _tried(safe)
        if backend is not None:
            return backend
        failed.append(f"{safe}: {status.detail}")
    raise SandboxError(f"no sandbox for Python works here ({'; '.join(failed)}): {_INSTALL}")


def detect() -> list[BackendStatus]:
    """Which backends work here, found out by running something in each; found out once a process."""
    return [_tried(name)[1] for name in NAMES]


@functools.cache
def _tried(name: str) -> tuple[Backend | None, BackendStatus]:
    if name == UNSAFE:
        return UnsafeHost(), BackendStatus(name, True, f"no wall at all; used only where {ENV} says so")
    programs = (Bubblewrap.name,) if name == Bubblewrap.name else ENGINES
    failed: list[str] = []
    for program in programs:
        path = shutil.which(program)
        if path is None:
            continue
        backend = Bubblewrap() if name == Bubblewrap.name else Container(path)
        wrong = _try(backend)
        if wrong is None:
            return backend, BackendStatus(name, True, path)
        failed.append(f"{path} fails: {wrong}")
    detail = "; ".join(failed) or f"{' or '.join(programs)} is not installed"
    return None, BackendStatus(name, False, detail)


def _try(backend: Backend) -> str | None:
    """Run a cell in a fresh worker; what went wrong in one line, or None."""
    limits = SandboxLimits()
    launch = backend.launch(limits)
    try:
        answer, said, code = _converse(launch, setup(launch, limits, None))
    except OSError as error:
        return str(error)
    if answer == "42":
        return None
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    hint = ""
    if isinstance(backend, Container) and "image" in said.lower():
        hint = f" (get the image: {backend.engine} pull {backend.image}, or name another in {IMAGE_ENV})"
    return (lines[0] if lines else f"no answer; it ended with {code}") + hint


def _converse(launch: Launch, first: dict[str, Any]) -> tuple[str | None, str, int]:
    """Set a worker up and run the trial cell: its value, what went to standard error, how it ended."""
    with opened(launch) as (command, descriptors):
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, pass_fds=descriptors, env=environment()
        )
    assert process.stdin is not None
    assert process.stdout is not None
    # The worker ends with its standard input, so that stays open until the answer is there.
    with process:
        timer = Timer(_TRIAL_SECONDS, process.kill)
        timer.start()
        try:
            request = {"do": "cell", "id": "trial", "code": _TRIAL, "echo": True}
            process.stdin.write(frame(first) + frame(request))
            process.stdin.flush()
            _read_frame(process.stdout)
            answer = _read_frame(process.stdout)
        except (BrokenPipeError, msgspec.MsgspecError):
            answer = {}
        _, said = process.communicate()
        timer.cancel()
    return answer.get("result"), said.decode(errors="replace"), process.returncode


def _read_frame(source: IO[bytes]) -> dict[str, Any]:
    size = int.from_bytes(source.read(4), "big")
    return msgspec.json.decode(source.read(size), type=dict[str, Any])
