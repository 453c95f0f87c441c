"""SQLite's write-ahead log carried over into the database by a thread, so that no disk keeps the event loop.

Left to itself, SQLite does this within a commit, and waits for the disk twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path

_EVERY = 16 << 20
"""Bytes of the log after which to carry it over."""
_MOST = 256 << 20
"""Bytes to which it may grow where writers leave no gap; then they wait once."""
_PASSES = 3


class Checkpoints:
    """Carries over the write-ahead log of the database at `path` while others write to it."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._log = Path(f"{path}-wal")
        self._written = 0
        self._thread: threading.Thread | None = None

    def wrote(self, size: int) -> None:
        """So many bytes were committed."""
        self._written += size
        if self._written < _EVERY or (self._thread is not None and self._thread.is_alive()):
            return
        self._written = 0
        self._thread = threading.Thread(target=self._carry_over, name="turnwise-checkpoint", daemon=True)
        self._thread.start()
        if self._size() > _MOST:
            self._thread.join()

    def close(self) -> None:
        """Wait for what is under way."""
        if self._thread is not None:
            self._thread.join()

    def _carry_over(self) -> None:
        # What cannot be carried over now (another does it, the disk is full) stays in the log, and is safe.
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(self._path)) as connection,
        ):
            how = "RESTART" if self._size() > _MOST else "PASSIVE"
            # What comes in during one pass is left to the next, which is shorter.
            for _ in range(_PASSES):
                busy, pages, done = connection.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
                if busy or pages == done:
                    return

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0
