"""The hub: sees what changes in the store, whoever writes it, and tells the browsers that look.

A store has no one who tells of changes, so it is asked a few times a second for the counts of its running
runs, while somebody listens and no longer. What a browser has not taken yet is told once, as it stands last.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from time import perf_counter
from typing import Any, NamedTuple

import msgspec

from turnwise.errors import StoreError
from turnwise.view.reading import runs
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s

_TICK = 0.3
"""Least seconds from one look to the next."""
_SHARE = 10
"""A look may take this fraction of the time at most."""
_SLICE = 0.2
"""Seconds of indexing at a time; as many pass until the next."""
_REST = 2.0
"""Seconds between looks for something new to index."""
_HEARTBEAT = 15.0


def event(kind: Any, **values: Any) -> s.Event:
    """An event; what is not given is null."""
    rest: dict[str, Any] = dict.fromkeys(s.Event.__struct_fields__[1:])
    return s.Event(kind=kind, **{**rest, **values})


class _State(NamedTuple):
    """How a run stood when it was looked at."""

    status: str
    planned: int
    begun: int
    done: int
    failed: int
    turns: int


class Listener:
    """One browser: what it looks at, and what it has not been told yet."""

    def __init__(self, episode: tuple[str, int] | None = None, play: str | None = None) -> None:
        self.episode = episode
        self.play = play
        self._news: dict[tuple[Any, ...], s.Event] = {}
        self._some = asyncio.Event()

    def tell(self, one: s.Event) -> None:
        """Something changed."""
        self._news[one.kind, one.run, one.episode, one.play] = one
        self._some.set()

    def wake(self) -> None:
        """Wait no longer."""
        self._some.set()

    async def news(self) -> list[s.Event]:
        """What changed since the last time, as it stands now; waits until something did, or a while."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._some.wait(), _HEARTBEAT)
        self._some.clear()
        found, self._news = list(self._news.values()), {}
        return found


class Hub:
    """See the module."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self._runs: dict[str, _State] | None = None
        self._parts: dict[tuple[str, int], tuple[int, str | None]] = {}
        self._words: int | None = None
        self._closed = False

    async def serve(self) -> None:
        """Look and tell, as long as the server runs."""
        await asyncio.gather(self._look(), self._index())

    async def listen(self, listener: Listener) -> AsyncGenerator[bytes]:
        """Server-sent events for one browser."""
        self._listeners.add(listener)
        self._wanted.set()
        try:
            yield _sent(event("hello"))
            while not self._closed:
                news = await listener.news()
                yield b"".join(map(_sent, news)) or b": still here\n\n"
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._wanted.clear()

    def close(self) -> None:
        """The server ends: so do all streams of events."""
        self._closed = True
        for listener in self._listeners:
            listener.wake()

    def tell(self, one: s.Event) -> None:
        """Tell everybody whom it concerns; called in the event loop."""
        for listener in self._listeners:
            if one.kind == "episode" and listener.episode != (one.run, one.episode):
                continue
            if one.kind == "play" and listener.play != one.play:
                continue
            listener.tell(one)

    # Inside -------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            await self._wanted.wait()
            start = perf_counter()
            watched = {one.episode for one in self._listeners if one.episode is not None}
            try:
                for one in await asyncio.to_thread(self._changes, watched):
                    self.tell(one)
            except StoreError:
                # Locked or away for a moment: the next look may find it again.
                pass
            await asyncio.sleep(max(_TICK, (perf_counter() - start) * _SHARE))

    async def _index(self) -> None:
        told = -1
        while True:
            await self._wanted.wait()
            try:
                progress = await asyncio.to_thread(self.source.fresh, _SLICE)
            except StoreError:
                await asyncio.sleep(_REST * 5)
                continue
            if progress.done != told:
                told = progress.done
                self.tell(event("index", done=progress.done, of=progress.of))
            await asyncio.sleep(_SLICE if progress.done < progress.of else _REST)

    def _changes(self, watched: set[tuple[str, int]]) -> list[s.Event]:
        """What is otherwise than at the last look."""
        now = self._states()
        before = now if self._runs is None else self._runs
        self._runs = now
        found = [
            event(
                "run",
                run=name,
                status=state.status,
                done=state.done,
                of=state.planned,
                failed=state.failed,
                turns=state.turns,
            )
            for name, state in now.items()
            if before.get(name) != state
        ]
        found += [event("gone", run=name) for name in before if name not in now]
        found += self._grown(watched)
        words = self.source.annotations.last
        found += [event("labels")] if self._words not in (None, words) else []
        self._words = words
        return found

    def _states(self) -> dict[str, _State]:
        rows = self.source.rows()
        totals = runs.totals_of(self.source, rows)
        found: dict[str, _State] = {}
        for row in rows:
            total = totals.get(row.number, runs.Totals())
            found[row.id] = _State(
                runs.status(row), row.planned, total.begun, total.done, total.failed, total.turns
            )
        return found

    def _grown(self, watched: set[tuple[str, int]]) -> list[s.Event]:
        found: list[s.Event] = []
        for place in watched:
            try:
                now = self._extent(*place)
            except MissingError:
                continue
            if place in self._parts and self._parts[place] != now:
                found.append(event("episode", run=place[0], episode=place[1]))
            self._parts[place] = now
        self._parts = {place: parts for place, parts in self._parts.items() if place in watched}
        return found

    def _extent(self, name: str, number: int) -> tuple[int, str | None]:
        found = self.source.store.extent(self.source.run(name).row.number, number)
        return (0, None) if found is None else (found[1], found[0].stop)


def _sent(one: s.Event) -> bytes:
    return b"data: " + msgspec.json.encode(one) + b"\n\n"
