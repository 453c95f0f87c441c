"""Bubblewrap: namespaces around the worker, and a file system of nothing but the system and Python."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path

from turnwise.tools.sandbox import seccomp
from turnwise.tools.sandbox.launch import MIB, Launch, unused_user
from turnwise.tools.sandbox.limits import SandboxLimits

WORKER = Path(__file__).with_name("worker.py")


class Bubblewrap:
    """Namespaces by `bwrap`: no network, a read-only system, a private `/tmp`, a system-call filter.

    Started by root, the worker gives root up for a user of its own; by anybody else, it runs in a user
    namespace. In both cases the kernel counts its processes apart from all others.
    """

    name = "bwrap"

    def launch(self, limits: SandboxLimits) -> Launch:
        """How to start a worker under these limits."""
        root = os.geteuid() == 0
        size = str(limits.tmp_mb * MIB)
        command = [
            shutil.which("bwrap") or "bwrap",
            *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
            *("--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"),
            *("--cap-drop", "ALL"),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev"),
            *("--perms", "1777", "--size", size, "--tmpfs", "/tmp"),
            *("--perms", "1777", "--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),
            # After /tmp, since a Python may lie below it.
            *_python(),
            *("--ro-bind", str(WORKER), "/worker.py", "--remount-ro", "/", "--chdir", "/tmp"),
            *("--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp"),
            *("--setenv", "LANG", "C.UTF-8", "--setenv", "PYTHONHASHSEED", "0"),
            *("--setenv", "OPENBLAS_NUM_THREADS", "1", "--setenv", "OMP_NUM_THREADS", "1"),
        ]
        if root:
            command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        else:
            command += ["--unshare-user", "--disable-userns"]
        filter_ = seccomp.program() if seccomp.supported() else None
        if filter_ is not None:
            command += ["--seccomp", "{filter}"]
        # -s and not -I, which would ignore PYTHONHASHSEED; the environment is all ours anyway.
        command += ["--", sys.executable, "-s", "/worker.py"]
        return Launch(command, filter_, identity=unused_user() if root else None)


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
    paths = sysconfig.get_paths()
    homes = {
        *(sys.prefix, sys.base_prefix, paths["stdlib"], paths["platstdlib"]),
        str(Path(sys.executable).resolve().parent.parent),
    }
    words: list[str] = []
    shown = [Path("/usr")]
    for home in sorted(Path(home) for home in homes):
        if any(home.is_relative_to(other) for other in shown):
            continue
        shown.append(home)
        for folder in reversed(home.parents[:-1]):
            # Else a parent is made as closed as it is outside, and the worker, no longer root, cannot pass.
            words += ["--perms", "0755", "--dir", str(folder)]
        words += ["--ro-bind", str(home), str(home)]
    return words
