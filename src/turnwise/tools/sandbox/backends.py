"""What keeps sandboxed code in: bubblewrap, a container, or, where somebody says so by name, nothing.

A backend is only a way to start the worker: a command line, and what the worker has to do itself.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import NamedTuple, Protocol

from turnwise.errors import SandboxError
from turnwise.tools.sandbox import seccomp
from turnwise.tools.sandbox.limits import SandboxLimits

ENV = "TURNWISE_SANDBOX"
"""Environment variable that chooses a backend by name."""
IMAGE_ENV = "TURNWISE_SANDBOX_IMAGE"
"""Environment variable that names the container image; it needs nothing but Python."""
UNSAFE = "unsafe-host"

_WORKER = Path(__file__).with_name("worker.py")
_INSTALL = (
    "install bubblewrap (apt-get install bubblewrap, dnf install bubblewrap) or docker, or accept the risk "
    f"of running model-written code on this machine with {ENV}={UNSAFE}"
)


class Launch(NamedTuple):
    """How to start one worker."""

    command: list[str]
    filter: bytes | None = None
    """A system-call filter to hand over on the descriptor that stands in the command as `{filter}`."""
    directory: str = "/tmp"
    """Where the code works, as the worker sees it."""
    identity: int | None = None
    """User and group that the worker becomes."""
    contained: bool = True
    """Whether the worker has a process namespace of its own, so that it may kill everything in it."""
    host_directory: str | None = None
    """A folder on this machine to remove in the end."""


class Backend(Protocol):
    """One way to keep code in."""

    name: str

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        ...


class BackendStatus(NamedTuple):
    """Whether a backend works here."""

    name: str
    works: bool
    detail: str


class Bubblewrap:
    """Namespaces by `bwrap`: no network, a read-only system, a private `/tmp`, a system-call filter."""

    name = "bwrap"

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        root = os.geteuid() == 0
        size = str(limits.tmp_mb * 2**20)
        command = [
            shutil.which("bwrap") or "bwrap",
            *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
            *("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"),
            *("--cap-drop", "ALL"),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--perms", "1777", "--size", size, "--tmpfs", "/tmp"),
            *("--perms", "1777", "--size", size, "--tmpfs", "/dev/shm"),
            # After /tmp, since a Python may lie below it.
            *_python(),
            *("--ro-bind", str(_WORKER), "/worker.py", "--remount-ro", "/", "--chdir", "/tmp"),
            *("--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp"),
            *("--setenv", "LANG", "C.UTF-8", "--setenv", "PYTHONHASHSEED", "0"),
            *("--setenv", "OPENBLAS_NUM_THREADS", "1", "--setenv", "OMP_NUM_THREADS", "1"),
        ]
        if root:
            # The worker gives up root for a user of its own: only so does the kernel count its processes.
            command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            command += ["--unshare-user", "--disable-userns"]
        filter_ = seccomp.program() if seccomp.supported() else None
        if filter_ is not None:
            command += ["--seccomp", "{filter}"]
        identity = random.SystemRandom().randrange(2**28, 2**30) if root else None
        return Launch([*command, "--", sys.executable, "-I", "/worker.py"], filter_, identity=identity)


class Container:
    """Docker or Podman, with no network, a read-only root and limits."""

    name = "container"

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        engine = shutil.which("docker") or shutil.which("podman") or "docker"
        memory = f"{limits.memory_mb + limits.tmp_mb}m"
        return Launch(
            [
                *(engine, "run", "--rm", "-i", "--init", "--network", "none", "--read-only"),
                *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534:65534"),
                *("--memory", memory, "--memory-swap", memory, "--pids-limit", str(limits.processes + 2)),
                *("--tmpfs", f"/tmp:rw,nosuid,nodev,mode=1777,size={limits.tmp_mb}m", "--workdir", "/tmp"),
                *("--env", "HOME=/tmp", "--env", "PYTHONHASHSEED=0"),
                *("--volume", f"{_WORKER}:/worker.py:ro"),
                *(os.environ.get(IMAGE_ENV, "python:3.12-slim"), "python3", "-I", "/worker.py"),
            ]
        )


class UnsafeHost:
    """No sandbox at all: limits, a temporary folder and an empty environment, and no wall."""

    name = UNSAFE

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        folder = tempfile.mkdtemp(prefix="turnwise-")
        command = ["env", "-i", "PATH=/usr/bin:/bin", f"HOME={folder}", "LANG=C.UTF-8", "PYTHONHASHSEED=0"]
        return Launch(
            [*command, sys.executable, "-I", str(_WORKER)],
            directory=folder,
            contained=False,
            host_directory=folder,
        )


_BACKENDS: dict[str, type[Backend]] = {
    "bwrap": Bubblewrap,
    "container": Container,
    UNSAFE: UnsafeHost,
}


def choose(name: str | None = None) -> Backend:
    """The backend of this name, or the one `TURNWISE_SANDBOX` names, or the first safe one that works here.

    Raises:
        SandboxError: there is none, with what to install or which risk to accept.
    """
    wanted = name or os.environ.get(ENV)
    if wanted:
        if wanted not in _BACKENDS:
            raise SandboxError(f"unknown sandbox {wanted!r}: expected {', '.join(_BACKENDS)}")
        status = _status(wanted)
        if not status.works:
            raise SandboxError(f"the sandbox {wanted!r} does not work here: {status.detail}")
        return _BACKENDS[wanted]()
    tried = [status for status in detect() if status.name != UNSAFE]
    for status in tried:
        if status.works:
            return _BACKENDS[status.name]()
    reasons = "; ".join(f"{status.name}: {status.detail}" for status in tried)
    raise SandboxError(f"no sandbox for Python works here ({reasons}): {_INSTALL}")


def detect() -> list[BackendStatus]:
    """Which backends work here, found out by running something in each."""
    return [_status(name) for name in _BACKENDS]


@functools.cache
def _status(name: str) -> BackendStatus:
    if name == UNSAFE:
        return BackendStatus(name, True, f"no wall at all; used only where {ENV} says so")
    programs = ("bwrap",) if name == "bwrap" else ("docker", "podman")
    found = [path for path in map(shutil.which, programs) if path]
    if not found:
        return BackendStatus(name, False, f"{' or '.join(programs)} is not installed")
    launch = _BACKENDS[name]().launch(SandboxLimits())
    worker = [*launch.command[: launch.command.index("-I")], "-I", "-c", "print('works')"]
    try:
        done = start_blocking(launch._replace(command=worker))
    except (OSError, subprocess.SubprocessError) as error:
        return BackendStatus(name, False, f"{found[0]} cannot be run: {error}")
    if done.stdout.strip() == b"works":
        return BackendStatus(name, True, found[0])
    reason = done.stderr.decode(errors="replace").strip().splitlines()
    return BackendStatus(name, False, f"{found[0]} fails: {reason[0] if reason else done.returncode}")


def start_blocking(launch: Launch) -> subprocess.CompletedProcess[bytes]:
    """Run a launch's command to its end."""
    with filter_descriptor(launch) as (command, descriptors):
        return subprocess.run(
            command,
            capture_output=True,
            timeout=60,
            check=False,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
        )


class filter_descriptor:  # noqa: N801 - used like a function
    """A launch's command with its filter on an open descriptor, while it is entered."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._reader: int | None = None

    def __enter__(self) -> tuple[list[str], tuple[int, ...]]:
        launch = self._launch
        if launch.filter is None:
            return launch.command, ()
        self._reader, writer = os.pipe()
        os.write(writer, launch.filter)
        os.close(writer)
        number = str(self._reader)
        return [number if word == "{filter}" else word for word in launch.command], (self._reader,)

    def __exit__(self, *_: object) -> None:
        if self._reader is not None:
            os.close(self._reader)


def _system() -> list[str]:
    """The system, read-only."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    words += ["--perms", "0755", "--dir", "/etc"]
    for name in ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"):
        words += ["--ro-bind-try", name, name]
    return words


def _python() -> list[str]:
    """This Python, read-only; nothing else of anybody's home."""
    words: list[str] = []
    paths = sysconfig.get_paths()
    homes = {sys.prefix, sys.base_prefix, paths["stdlib"], paths["platstdlib"]}
    executable = Path(sys.executable)
    homes.add(str(executable.resolve().parent.parent))
    shown: list[str] = []
    for home in sorted(homes):
        if home.startswith("/usr/") or home == "/usr" or any(Path(home).is_relative_to(s) for s in shown):
            continue
        shown.append(home)
        for folder in reversed(Path(home).parents[:-1]):
            # Else a parent is made as closed as it is outside, and the worker, no longer root, cannot pass.
            words += ["--perms", "0755", "--dir", str(folder)]
        words += ["--ro-bind", home, home]
    return words
