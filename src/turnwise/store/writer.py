"""Batches of rows that become transactions: in the event loop, or in a thread where that frees it sooner."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, TypeAlias

import msgspec
import sqlalchemy as sa

from turnwise.errors import StoreError
from turnwise.store.checkpoint import Checkpoints
from turnwise.store.prepared import Prepared, PreparedInsert
from turnwise.store.schema import episodes, log

PLACE = ("run", "number")
BEGUN = ("task", "epoch", "seed")
ENDED = (
    *("stop", "detail", "score", "turns", "calls", "tool_calls"),
    *("input", "output", "cached", "cost", "seconds", "metrics", "error"),
)
PART = ("run", "episode", "part", "data", "timings")
Threads: TypeAlias = Literal["always", "large", "never"]
"""What is written by a thread: of a server all, whose latency is nobody's; of a file what is large, where the
loop is about to sleep, while a small commit costs less than handing it over; nothing that lies in memory."""
_LARGE = 64
"""Rows of the log from which a batch is."""
_ROW = 200
"""About what a row takes in the log besides its data."""

_PARTS = PreparedInsert(log, *PART)
_BEGINNINGS = PreparedInsert(episodes, *PLACE, *BEGUN)
_WHOLES = PreparedInsert(episodes, *PLACE, *BEGUN, *ENDED)
_ENDINGS = Prepared(
    episodes.update()
    .where(episodes.c.run == sa.bindparam("of_run"), episodes.c.number == sa.bindparam("of_number"))
    .values({name: sa.bindparam(f"to_{name}") for name in ENDED}),
    *(f"to_{name}" for name in ENDED),
    "of_run",
    "of_number",
)


class Batch(msgspec.Struct):
    """Rows of one transaction."""

    parts: list[tuple[Any, ...]] = []
    begun: list[tuple[Any, ...]] = []
    ended: list[tuple[Any, ...]] = []
    """Of episodes that were begun in an earlier transaction."""
    played: list[tuple[Any, ...]] = []
    """Of episodes that both began and ended in this one."""

    def __bool__(self) -> bool:
        return bool(self.parts or self.begun or self.ended or self.played)

    def add(self, further: Batch) -> None:
        """Take the rows of the next one, too."""
        self.parts += further.parts
        self.begun += further.begun
        self.ended += further.ended
        self.played += further.played


class Writer:
    """Writes batches in their order, on one connection.

    Args:
        engine: The database.
        trouble: Turns the database's errors into `StoreError`.
        threads: What is written by a thread.
        on_failure: Called, by whoever wrote, when writing became impossible.
    """

    def __init__(
        self,
        engine: sa.Engine,
        trouble: Callable[[str], AbstractContextManager[None]],
        threads: Threads,
        on_failure: Callable[[], None],
    ) -> None:
        self.failure: StoreError | None = None
        """What made writing impossible."""
        self._engine = engine
        self._trouble = trouble
        self._threads = threads
        self._on_failure = on_failure
        self._checkpoints = None if threads == "always" else Checkpoints(str(engine.url.database))
        self._connection: sa.Connection | None = None
        self._unwritten = Batch()
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._handed = self._done = 0
        """Batches that the thread was given, and those it is through with; each is counted by one thread."""

    def write(self, batch: Batch, *, idle: bool) -> None:
        """Write a batch.

        Args:
            batch: Not to be changed any more.
            idle: Whether the event loop is about to sleep; while it works, a thread would only be in its way.
        """
        large = self._threads == "large" and idle and len(batch.parts) >= _LARGE
        if self._threads == "always" or large or self._handed != self._done:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="turnwise-writer", daemon=True)
                self._thread.start()
            self._handed += 1
            self._queue.put(batch)
        else:
            self._write(batch)

    async def close(self) -> None:
        """Write what is left, and let go.

        Raises:
            StoreError: it could not be written.
        """
        if self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        if self._unwritten and self._threads != "always":
            # A full disk may have been made room on meanwhile; the run is over all the same.
            self._write(self._unwritten)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._checkpoints is not None:
            self._checkpoints.close()
        if self.failure is not None:
            raise self.failure

    # Inside -------------------------------------------------------------------------------------------

    def _write(self, batch: Batch) -> None:
        try:
            with self._trouble("write"):
                self._commit(batch)
        except Exception as error:
            # Also what is no fault of the database's, such as a value that it has no room for: what was not
            # written must not pass for written, in whatever thread this is.
            self.failure, self._unwritten = _failure(error), batch
            self._on_failure()
            return
        if self._checkpoints is not None:
            self._checkpoints.wrote(sum(len(part[3]) for part in batch.parts) + _ROW * len(batch.parts))

    def _commit(self, batch: Batch) -> None:
        """One transaction."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            _PARTS.each(self._connection, batch.parts)
            _BEGINNINGS.each(self._connection, batch.begun)
            _ENDINGS.each(self._connection, batch.ended)
            _WHOLES.each(self._connection, batch.played)

    def _write_all(self) -> None:
        """The thread: whatever waits is written in one transaction."""
        over = False
        while not over:
            batch, count = self._queue.get(), 1
            if batch is None:
                return
            while not self._queue.empty():
                further = self._queue.get()
                if further is None:
                    over = True
                    break
                batch.add(further)
                count += 1
            if self.failure is None:
                self._write(batch)
            else:
                self._unwritten.add(batch)
            self._done += count


def _failure(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    reason = " ".join(str(error).split())
    failure = StoreError(f"the store cannot write this: {type(error).__name__}: {reason}")
    failure.__cause__ = error
    return failure
