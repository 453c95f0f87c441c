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
from typing import NamedTuple

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
_TRIAL = "import os\nos.wait() if os.fork() else os._exit(0)\n6 * 7"
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
    request = {"do": "cell", "id": "trial", "code": _TRIAL, "echo": True}
    says = frame(setup(launch, limits, None)) + frame(request)
    try:
        with opened(launch) as (command, descriptors):
            done = subprocess.run(
                command,
                input=says,
                capture_output=True,
                timeout=_TRIAL_SECONDS,
                check=False,
                pass_fds=descriptors,
                env=environment(),
            )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if frame({"id": "ready"})[4:] in done.stdout.replace(b" ", b"") and b'"42"' in done.stdout:
        return None
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    hint = ""
    if isinstance(backend, Container) and "image" in "".join(lines).lower():
        hint = f" (get the image: {backend.engine} pull {backend.image}, or name another in {IMAGE_ENV})"
    return (lines[0] if lines else f"it ended with {done.returncode}") + hint
