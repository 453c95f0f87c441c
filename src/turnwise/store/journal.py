"""The journal of a run: what its episodes do, written down in groups while they do it.

Episodes say that they changed. Before the event loop sleeps, and after a few rounds of a busy one, everything
new of all of them goes to the database in one transaction. SQLite is written in the loop itself: a commit to
its write-ahead log costs less than handing it to a thread. A server is written from a thread, so that its
latency is nobody's.
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
from turnwise.log import EpisodeLog, Segment
from turnwise.store.checkpoint import Checkpoints
from turnwise.store.schema import episodes, log

_ENDED = (
    *("stop", "detail", "score", "turns", "calls", "tool_calls"),
    *("input", "output", "cached", "cost", "seconds", "metrics", "error"),
)
_PART = ("run", "episode", "part", "data", "timings")
_MOST_ROUNDS = 8
_ROW = 200
"""About what a row takes in the log besides its data."""
_encode = msgspec.json.Encoder().encode


class Batch(msgspec.Struct):
    """Rows of one transaction."""

    begun: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    ended: list[tuple[Any, ...]] = []

    def __bool__(self) -> bool:
        return bool(self.begun or self.parts or self.ended)


class EpisodeJournal:
    """The journal of one episode: remembers where it is and passes on that it changed."""

    __slots__ = ("episode", "header", "number", "part", "run")

    def __init__(self, run: RunJournal, number: int, part: int) -> None:
        self.run = run
        self.number = number
        self.part = part
        self.episode: Episode | None = None
        self.header: EpisodeLog | None = None
        """Still to be written, with whatever comes first."""

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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[Batch | None] | None = queue.SimpleQueue() if threaded else None
        self._thread: threading.Thread | None = None

    def of(self, number: int, part: int = 0) -> EpisodeJournal:
        """The journal of one episode, whose next part has this number."""
        return EpisodeJournal(self, number, part)

    def begin(self, episode: Episode, journal: EpisodeJournal) -> None:
        """A new episode starts."""
        header = episode.header()
        journal.header = header
        journal.episode = episode
        self._batch.begun.append((self._run, journal.number, episode.task.id, episode.epoch, header.seed))
        self.dirty(journal)

    def end(self, episode: Episode, number: int, journal: EpisodeJournal) -> None:
        """An episode ended: its last part, and the summary of the whole."""
        self._drain(journal, episode)
        spent = episode.spent
        error = episode.error
        self._batch.ended.append(
            (
                None if episode.stop is None else episode.stop.value,
                episode.detail,
                episode.score(),
                len(episode.turns),
                episode.calls_made,
                episode.tool_calls,
                spent.input,
                spent.output,
                spent.cached,
                spent.cost,
                round(perf_counter() - episode.started, 6),
                _encode(episode.metrics).decode() if episode.metrics else None,
                None if error is None else wire.encode(error).decode(),
                self._run,
                number,
            )
        )
        journal.episode = None
        self._schedule()

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
            self._loop.call_soon(self._settle, 0)

    def _settle(self, rounds: int) -> None:
        """Flush, unless the loop has other work at hand that will bring more; then in the next round."""
        # No public name tells what a loop is about to run; one that has not this one flushes every round.
        if self._loop is None or rounds == _MOST_ROUNDS or not getattr(self._loop, "_ready", None):
            self._flush()
        else:
            self._loop.call_soon(self._settle, rounds + 1)

    def _drain(self, journal: EpisodeJournal, episode: Episode) -> None:
        new, timings = episode.drain()
        header = journal.header
        if header is not None:
            data = wire.encode(msgspec.structs.replace(header, **new) if new else header)
            journal.header = None
        elif new:
            data = wire.encode(Segment(**new))
        else:
            return
        row = (self._run, journal.number, journal.part, data, _encode(timings) if timings else None)
        self._batch.parts.append(row)
        journal.part += 1

    def _flush(self) -> None:
        self._scheduled = False
        if self.failure is not None:
            return
        dirty, self._dirty = self._dirty, []
        for journal in dirty:
            if journal.episode is not None:
                self._drain(journal, journal.episode)
        batch, self._batch = self._batch, Batch()
        if not batch:
            return
        if self._queue is None:
            self._write(batch)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._write_all, name="turnwise-journal", daemon=True)
            self._thread.start()
        self._queue.put(batch)

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
                batch.begun += further.begun
                batch.parts += further.parts
                batch.ended += further.ended
            if self.failure is None:
                self._write(batch)


class _Writer:
    """The three statements, compiled once, on one connection."""

    def __init__(self, engine: sa.Engine) -> None:
        begun = episodes.insert().values(
            {name: sa.bindparam(name) for name in ("run", "number", "task", "epoch", "seed")}
        )
        part = log.insert().values({name: sa.bindparam(name) for name in _PART})
        ended = (
            episodes.update()
            .where(episodes.c.run == sa.bindparam("of_run"), episodes.c.number == sa.bindparam("of_number"))
            .values({name: sa.bindparam(f"to_{name}") for name in _ENDED})
        )
        self._begun = _Statement(begun, engine, ("run", "number", "task", "epoch", "seed"))
        self._part = _Statement(part, engine, _PART)
        self._ended = _Statement(ended, engine, (*(f"to_{name}" for name in _ENDED), "of_run", "of_number"))
        self._engine = engine
        self._connection: sa.Connection | None = None

    def write(self, batch: Batch) -> None:
        """One transaction."""
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            self._begun.execute(self._connection, batch.begun)
            self._part.execute(self._connection, batch.parts)
            self._ended.execute(self._connection, batch.ended)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Statement:
    """SQL text for the driver, with rows as it wants them: tuples in the order of the text, or dicts."""

    def __init__(self, statement: Any, engine: sa.Engine, names: tuple[str, ...]) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        self._text = str(compiled)
        self._names = names
        self._order: list[int] | None = None
        if compiled.positiontup is not None:
            order = [names.index(name) for name in compiled.positiontup]
            self._order = order
            self._in_order = order == list(range(len(names)))

    def execute(self, connection: sa.Connection, rows: list[tuple[Any, ...]]) -> None:
        """Execute it for each row."""
        if not rows:
            return
        if self._order is None:
            connection.exec_driver_sql(self._text, [dict(zip(self._names, row, strict=True)) for row in rows])
        elif self._in_order:
            connection.exec_driver_sql(self._text, rows)
        else:
            order = self._order
            connection.exec_driver_sql(self._text, [tuple(row[index] for index in order) for row in rows])
