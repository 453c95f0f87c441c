"""Looking at a tree of processes from outside, through `/proc`: who belongs to it, and what it holds."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(root: int) -> list[int]:
    """A process and all its descendants, those that any of their threads started included."""
    found = [root]
    for pid in found:
        found += children(pid)
    return found


def children(pid: int) -> list[int]:
    """The children of all threads of a process."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    except OSError:
        pass
    return found


def workers(pid: int) -> list[int]:
    """The worker under a started command: what lies below the processes of bubblewrap itself."""
    if _read(f"/proc/{pid}/comm").strip() == "bwrap":
        return [found for child in children(pid) for found in workers(child)]
    return [pid]


def holds_more(root: int, most: int) -> bool:
    """Whether a tree holds more than `most` bytes of memory, what its processes share counted once.

    A quick upper bound comes first: page tables are walked only where the sum of what each process has in
    memory, shared or not, is above `most`.
    """
    pids = tree(root)
    return sum(map(_resident, pids)) > most and sum(map(_proportional, pids)) > most


def _resident(pid: int) -> int:
    """Bytes in memory, all that is shared included."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional(pid: int) -> int:
    """Bytes in memory, each page divided by the number of processes that share it."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return _resident(pid)


def _read(path: str) -> str:
    """A file of `/proc`; empty where the process is gone, or not ours to read."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
