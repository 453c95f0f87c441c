"""What all readers share: the store, what people wrote on it, and what was read before.

Everything stored is append-only, so a value is remembered under what says how far its subject had come.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from turnwise.engine.results import Run
from turnwise.errors import StoreError
from turnwise.log import EpisodeLog, Timing
from turnwise.store.annotations import Annotations
from turnwise.store.prepared import Prepared
from turnwise.store.rows import EpisodeRow, RunRow
from turnwise.store.schema import runs
from turnwise.store.search import Progress, open_index
from turnwise.store.store import Store, decode_timings
from turnwise.view.reading.cache import Cache
from turnwise.view.reading.errors import MissingError

T = TypeVar("T")
_RECENT = 0.5
"""Seconds for which the search index counts as caught up."""
_FEW = 500
"""Runs that are asked for by number; of more, all are read."""
_SAMPLE, _SAMPLED_TURNS, _LEAST = 500, 20_000, 10
"""Episodes that are read at most for what only logs tell; turns of theirs, about; episodes at least."""
_FIGURES = 100_000
_DERIVED = 250_000
"""Turns of the episodes of which outlines and such are kept, each kind counted by itself."""
_CHANGING = [column for column in runs.c if column.name not in ("config", "provenance")]
_NAMES = [column.name for column in _CHANGING]
_ID = _NAMES.index("id")
_ALL_RUNS = Prepared(sa.select(*_CHANGING).order_by(runs.c.number.desc()))
_LOGS = 96 << 20
"""Bytes of logs, as stored, that are kept parsed; parsed they take a few times as much."""


class Found(NamedTuple):
    """An episode with all that is stored of it."""

    run: Run
    row: EpisodeRow
    log: EpisodeLog
    times: Sequence[bytes | None]
    """As they are stored."""
    extent: tuple[int, int]
    """How many parts its log had, and their bytes: the same, the same log."""

    @property
    def key(self) -> tuple[Any, ...]:
        """What it is remembered under."""
        return self.run.id, self.row.number, *self.extent, self.row.stop, self.row.seconds

    @property
    def name(self) -> str:
        """`RUN/NUMBER`."""
        return f"{self.run.id}/{self.row.number}"


class Sample(NamedTuple):
    """Some episodes of a run."""

    numbers: Sequence[int]
    logs: Sequence[EpisodeLog]
    timings: Sequence[Timing]
    """Of all their calls and effects."""


class _Runs(NamedTuple):
    """What was told of each run last, and its row."""

    listed: list[tuple[Any, ...]]
    rows: list[RunRow]


class Source:
    """A store to read from; any process may write it meanwhile."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.annotations = Annotations(store)
        self.search = open_index(store)
        self._indexed: tuple[float, Progress | None] = (0.0, None)
        self._runs = _Runs([], [])
        self.cache: Cache[Any] = Cache(_FIGURES)
        """Figures, each of weight 1, and what is made of many."""
        self._logs: Cache[tuple[EpisodeLog, list[bytes | None]]] = Cache(_LOGS)
        self._derived: Cache[Any] = Cache(_DERIVED)

    def run(self, name: str) -> Run:
        """The run of this id.

        Raises:
            MissingError: there is none (any more).
        """
        found = self.store.run_named(name)
        if found is None:
            raise MissingError(f"there is no run {name[:80]!r} in this store; it may have been deleted")
        return Run(self.store, found)

    def rows(self) -> list[RunRow]:
        """All runs, newest first. Config and provenance, which do not change, are read once."""
        with self.store.reading("runs") as connection:
            listed = _ALL_RUNS.rows(connection)
        known = self._runs
        if listed != known.listed:
            self._runs = known = self._caught_up(listed, known)
        return known.rows

    def names(self, numbers: Collection[int]) -> dict[int, str]:
        """The ids of the runs of these numbers that are there."""
        if not numbers:
            return {}
        # Numbers need no quoting, and a plain text no compiling: a search shall cost what it finds.
        query = f"SELECT number, id FROM runs WHERE number IN ({', '.join(map(str, map(int, numbers)))})"
        with self.store.reading("runs") as connection:
            return {number: name for number, name in connection.exec_driver_sql(query).fetchall()}  # noqa: C416

    def episode(self, run: Run, number: int) -> Found:
        """An episode, as far as it was played.

        Raises:
            MissingError: there is no such episode, or it has not begun.
        """
        found = self.store.extent(run.row.number, number)
        if found is None or not found[1]:
            if 0 <= number < run.row.planned:
                raise MissingError(f"episode {number} of {run.id} has not begun")
            raise MissingError(f"run {run.id} has no episode {number}: it has 0 to {run.row.planned - 1}")
        row, *extent = found
        key = (run.id, number, *extent, row.stop, row.seconds)
        kept = self._logs.get(
            key, lambda: self.store.read_whole(run.row.number, row), weight=lambda _: extent[1] + 1_000
        )
        return Found(run, row, *kept, (extent[0], extent[1]))

    def of(self, found: Found, what: tuple[Any, ...], make: Callable[[], T]) -> T:
        """What was worked out from an episode's log, remembered as long as that is the same."""
        return self._derived.get((*what, *found.key), make, weight=lambda _: len(found.log.turns) + 50)

    def fresh(self, seconds: float) -> Progress:
        """Catch the search index up, where nobody did just now."""
        at, progress = self._indexed
        if progress is None or perf_counter() - at > _RECENT:
            progress = self.search.catch_up(seconds)
            self._indexed = perf_counter(), progress
        return progress

    def timings(self, found: Found) -> list[Timing]:
        """When each call and effect of an episode was asked for and how long it took."""
        return self.of(found, ("timings",), lambda: _readable_times(lambda: decode_timings(found.times)))

    def sample(self, run: Run, numbers: Sequence[int], turns: float) -> Sample:
        """The logs of some episodes, spread evenly, and what their calls took.

        Args:
            run: Theirs.
            numbers: All there are.
            turns: Of an episode, about: of long ones fewer are read.
        """
        most = max(_LEAST, min(_SAMPLE, int(_SAMPLED_TURNS / max(1.0, turns))))
        chosen = list(numbers[:: max(1, -(-len(numbers) // most))])
        try:
            read = list(self.store.read_many(run.row.number, chosen))
        except StoreError:
            # One that cannot be read shall not hide the others.
            read = [(number, one) for number in chosen if (one := self._readable(run, number)) is not None]
        numbers = [number for number, _ in read]
        times = _readable_times(lambda: self.store.timings_of(run.row.number, numbers))
        return Sample(numbers, [one for _, one in read], times)

    def _caught_up(self, listed: list[tuple[Any, ...]], known: _Runs) -> _Runs:
        """The runs as they are now, by what was read of them before."""
        was = {row.id: (told, row) for told, row in zip(known.listed, known.rows, strict=True)}
        new = [told[0] for told in listed if told[_ID] not in was]
        read = self.store.runs(numbers=new if len(new) < _FEW else None) if new else []
        begun = {row.id: row for row in read}
        told_of: list[tuple[Any, ...]] = []
        rows: list[RunRow] = []
        for told in listed:
            before, row = was.get(told[_ID]) or (None, begun.get(told[_ID]))
            if row is None:
                # It began between the two questions, and is in the next answer.
                continue
            if before != told:
                row = msgspec.structs.replace(row, **dict(zip(_NAMES, told, strict=True)))
            told_of.append(told)
            rows.append(row)
        return _Runs(told_of, rows)

    def _readable(self, run: Run, number: int) -> EpisodeLog | None:
        try:
            return self.store.read(run.row.number, number)
        except StoreError:
            return None


def _readable_times(read: Callable[[], list[Timing]]) -> list[Timing]:
    """Measured times; where they cannot be read (another version wrote them), a page does without."""
    try:
        return read()
    except msgspec.DecodeError:
        return []
