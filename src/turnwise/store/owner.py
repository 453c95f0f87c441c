"""Who works on a run: one process at a time, known by host, process id and the process's start."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

BEAT_SECONDS = 10.0
"""How often an owner says that it is alive."""
_DEAF_SECONDS = 60.0
"""An owner on another host that was silent for so long is taken to be gone."""


def me() -> str:
    """This process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def alive(owner: str, beat: float | None) -> bool:
    """Whether a run's owner still works on it, as far as can be told from here."""
    host, pid, started = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return beat is not None and time.time() - beat < _DEAF_SECONDS
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(int(pid)) == started


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot, where the system tells; it unmasks reused ids."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "0"
    fields = stat.rpartition(")")[2].split()
    # A killed process that nobody has waited for is no longer at work.
    return "gone" if fields[0] == "Z" else fields[19]
