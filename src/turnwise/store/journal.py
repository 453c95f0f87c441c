"""The journal of a run: what its episodes do, written down in groups while they do it.

Episodes say that they changed. Before the event loop sleeps, everything new of all of them goes to the
database in one transaction; a busy loop puts that off for some milliseconds, since few large transactions are
cheaper than many small ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import perf_counter
from typing import Any

import msgspec
import sqlalchemy as sa

from turnwise import wire
from turnwise.episode import Episode
from turnwise.outside import is_busy
from turnwise.store.writer import Batch, Threads, Writer

_PAUSE = 0.005
"""Least seconds from one transaction to the next; each costs as much as some dozens of rows."""
_PATIENCE = 0.05
"""Most seconds that news wait while the event loop is busy."""
_json = msgspec.json.Encoder().encode
_packed = msgspec.msgpack.Encoder().encode
"""For times, which nobody reads as text: a quarter of the time, and half the bytes."""


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
        threads: What is written by a thread.
    """

    def __init__(
        self,
        engine: sa.Engine,
        run: int,
        trouble: Callable[[str], AbstractContextManager[None]],
        *,
        threads: Threads,
    ) -> None:
        self.on_failure: Callable[[], None] = lambda: None
        """Called in the event loop when writing became impossible."""
        self._run = run
        self._writer = Writer(engine, trouble, threads, self._failed)
        self._dirty: list[EpisodeJournal] = []
        self._batch = Batch()
        self._scheduled = False
        self._next = self._latest = 0.0
        """The loop's times before which nothing is written, and after which no work goes first."""
        self._loop: asyncio.AbstractEventLoop | None = None

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
        self._flush(idle=False)
        await self._writer.close()

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
        loop = self._loop
        busy = loop is not None and is_busy(loop)
        if loop is None or not busy or self._latest <= loop.time():
            self._flush(idle=not busy)
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

    def _flush(self, *, idle: bool) -> None:
        self._scheduled = False
        if self._writer.failure is not None:
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
        self._writer.write(batch, idle=idle)
        if self._loop is not None:
            self._next = self._loop.time() + _PAUSE

    def _failed(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.on_failure)


def _beginning(episode: Episode) -> tuple[Any, ...]:
    """What is known of an episode from its start (`BEGUN`)."""
    return episode.task.id, episode.epoch, episode.first_seed


def _summary(episode: Episode, score: float | None) -> tuple[Any, ...]:
    """What is known of an episode at its end (`ENDED`)."""
    spent = episode.spent
    error = episode.error
    return (
        None if episode.stop is None else episode.stop.value,
        None if episode.detail is None else wire.mend(episode.detail),
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
