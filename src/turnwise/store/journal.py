"""The journal of a run: what its episodes do, written down in groups while they do it.

Episodes say that they changed. Before the event loop sleeps, everything new of all of them goes to the
database in one transaction; a busy loop puts that off for some milliseconds, since few large transactions are
cheaper than many small ones. SQLite is written in the loop itself: a commit to its write-ahead log costs less
than handing it to a thread. A server is written from a thread, so that its latency is nobody's.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Any

import msgspec
import sqlalchemy as sa

from turnwise import wire
from turnwise.episode import Episode
from turnwise.errors import StoreError
from turnwise.store.checkpoint import Checkpoints
from turnwise.store.prepared import Prepared, prepared_insert
from turnwise.store.schema import episodes, log

_PLACE = ("run", "number")
_BEGUN = ("task", "epoch", "seed")
_ENDED = (
    *("stop", "detail", "score", "turns", "calls", "tool_calls"),
    *("input", "output", "cached", "cost", "seconds", "metrics", "error"),
)
_PART = ("run", "episode", "part", "data", "timings")
_PAUSE = 0.005
"""Least seconds from one transaction to the next; each costs as much as some dozens of rows."""
_PATIENCE = 0.05
"""Most seconds that news wait while the event loop is busy."""
_ROW = 200
"""About what a row takes in the log besides its data."""
_json = msgspec.json.Encoder().encode
_packed = msgspec.msgpack.Encoder().encode
"""For times, which nobody reads as text: a quarter of the time, and half the bytes."""


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


class EpisodeJournal:
    """The journal of one episode: remembers where it is and passes on that it changed."""

    __slots__ = ("episode", "number", "part", "run")

    def __init__(self, run: RunJournal, number: int, part: int) -> None:
        self.run = run
        self.number = number
        self.part = part
        """What is written next; part 0 is the header with whatever comes first."""
        self.episode: Episode | None = None
        """The episode, from its first change to its end."""

    def changed(self, episode: Episode) -> None:
        """The episode has something new."""
        self.episode = episode
        self.run.dirty(self)


class RunJournal:
    """Writes the episodes of one run in one process.

    Args:
        engine: The database.
        run: Number of the run.
        trouble: Turns the database's errors into `StoreError`.
        threaded: Write from a thread of its own.
    """

    def __init__(
        self,
        engine: sa.Engine,
        run: int,
        trouble: Callable[[str], AbstractContextManager[None]],
        *,
        threaded: bool,
    ) -> None:
        self.failure: StoreError | None = None
        """What made writing impossible."""
        self.on_failure: Callable[[], None] = lambda: None
        """Called in the event loop when writing became impossible."""
        self._run = run
        self._trouble = trouble
        self._writer = _Writer(engine)
        self._checkpoints = None if threaded else Checkpoints(str(engine.url.database))
        self._dirty: list[EpisodeJournal] = []
        self._batch = Batch()
        self._unwritten = Batch()
        self._scheduled = False
        self._next = self._latest = 0.0
        """The loop's times before which nothing is written, and after which no work goes first."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[Batch | None] | None = queue.SimpleQueue() if threaded else None
        self._thread: threading.Thread | None = None

    def of(self, number: int, part: int = 0) -> EpisodeJournal:
        """The journal of one episode, whose next part has this number."""
        return EpisodeJournal(self, number, part)

    def end(self, episode: Episode, journal: EpisodeJournal, score: float | None) -> None:
        """An episode ended with this score: its last part, and the summary of the whole."""
        place, summary = (self._run, journal.number), _summary(episode, score)
        if journal.part:
            self._batch.ended.append((*summary, *place))
        else:
            self._batch.played.append((*place, *_beginning(episode), *summary))
        self._drain(journal, episode)
        journal.episode = None
        self._schedule()

    @property
    def overdue(self) -> bool:
        """Whether news wait although the event loop should have had its turn by now."""
        return self._loop is not None and self._scheduled and self._latest <= self._loop.time()

    def dirty(self, journal: EpisodeJournal) -> None:
        """An episode has something new; it says so once until it was drained."""
        self._dirty.append(journal)
        if not self._scheduled:
            self._schedule()

    async def close(self) -> None:
        """Write all that is left.

        Raises:
            StoreError: it could not be written.
        """
        self._flush()
        if self._queue is not None and self._thread is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        elif self._unwritten:
            # A full disk may have been made room on meanwhile; the run is over all the same.
            self._write(self._unwritten)
        self._writer.close()
        if self._checkpoints is not None:
            self._checkpoints.close()
        if self.failure is not None:
            raise self.failure

    # Inside -------------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            self._latest = self._loop.time() + _PATIENCE
            self._loop.call_at(self._next, self._settle)

    def _settle(self) -> None:
        """Flush, unless the loop has other work at hand that will bring more; then in the next round."""
        # No public name tells what a loop is about to run; one that has not this one flushes every round.
        loop = self._loop
        if loop is None or self._latest <= loop.time() or not getattr(loop, "_ready", None):
            self._flush()
        else:
            loop.call_soon(self._settle)

    def _drain(self, journal: EpisodeJournal, episode: Episode) -> None:
        new, timings = episode.drain()
        if journal.part == 0:
            new = episode.header(**new)
        elif not new:
            return
        # The driver of SQLite looks for converters of all bytes but these.
        data = bytearray(wire.encode(new))
        times = bytearray(_packed(timings)) if timings else None
        self._batch.parts.append((self._run, journal.number, journal.part, data, times))
        journal.part += 1

    def _flush(self) -> None:
        self._scheduled = False
        if self.failure is not None:
            return
        dirty, self._dirty = self._dirty, []
        for journal in dirty:
            episode = journal.episode
            if episode is not None:
                if journal.part == 0:
                    self._batch.begun.append((self._run, journal.number, *_beginning(episode)))
                self._drain(journal, episode)
        batch, self._batch = self._batch, Batch()
        if not batch:
            return
        if self._queue is None:
            self._write(batch)
        else:
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_all, name="turnwise-journal", daemon=True)
                self._thread.start()
            self._queue.put(batch)
        if self._loop is not None:
            self._next = self._loop.time() + _PAUSE

    def _write(self, batch: Batch) -> None:
        try:
            with self._trouble("write"):
                self._writer.write(batch)
            if self._checkpoints is not None:
                self._checkpoints.wrote(sum(len(part[3]) for part in batch.parts) + _ROW * len(batch.parts))
        except StoreError as error:
            self.failure, self._unwritten = error, batch
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self.on_failure)

    def _write_all(self) -> None:
        """The thread: whatever waits is written in one transaction."""
        assert self._queue is not None
        over = False
        while not over:
            batch = self._queue.get()
            if batch is None:
                return
            while not self._queue.empty():
                further = self._queue.get()
                if further is None:
                    over = True
                    break
                batch.add(further)
            if self.failure is None:
                self._write(batch)


def _beginning(episode: Episode) -> tuple[Any, ...]:
    """What is known of an episode from its start (`_BEGUN`)."""
    return episode.task.id, episode.epoch, episode.first_seed


def _summary(episode: Episode, score: float | None) -> tuple[Any, ...]:
    """What is known of an episode at its end (`_ENDED`)."""
    spent = episode.spent
    error = episode.error
    return (
        None if episode.stop is None else episode.stop.value,
        episode.detail,
        score,
        len(episode.turns),
        episode.calls_made,
        episode.tool_calls,
        spent.input,
        spent.output,
        spent.cached,
        spent.cost,
        perf_counter() - episode.started,
        _json(episode.metrics).decode() if episode.metrics else None,
        None if error is None else wire.encode(error).decode(),
    )


_PARTS = prepared_insert(log, _PART)
_BEGINNINGS = prepared_insert(episodes, (*_PLACE, *_BEGUN))
_WHOLES = prepared_insert(episodes, (*_PLACE, *_BEGUN, *_ENDED))
_ENDINGS = Prepared(
    episodes.update()
    .where(episodes.c.run == sa.bindparam("of_run"), episodes.c.number == sa.bindparam("of_number"))
    .values({name: sa.bindparam(f"to_{name}") for name in _ENDED}),
    *(f"to_{name}" for name in _ENDED),
    "of_run",
    "of_number",
)


class _Writer:
    """Writes batches on one connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._connection: sa.Connection | None = None

    def write(self, batch: Batch) -> None:
        """One transaction."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            _PARTS.each(self._connection, batch.parts)
            _BEGINNINGS.each(self._connection, batch.begun)
            _ENDINGS.each(self._connection, batch.ended)
            _WHOLES.each(self._connection, batch.played)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
