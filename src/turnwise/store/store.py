"""The store: runs, their episodes and logs in one database."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from turnwise import wire
from turnwise.errors import StoreError, did_you_mean
from turnwise.log import EpisodeLog, Failure, Segment, Stop, Timing
from turnwise.store import owner, schema, statements
from turnwise.store.access import Connections, Reading, Trouble
from turnwise.store.journal import RunJournal
from turnwise.store.prepared import Prepared
from turnwise.store.rows import EpisodeRow, RunCounts, RunRow
from turnwise.store.schema import episodes, log, runs

DEFAULT = "turnwise.db"
"""The store in the current folder, where neither `--store` nor `TURNWISE_STORE` names one."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_LAST = ("last", "@last")
_LOCK = 0x7475726E
"""Number of PostgreSQL's advisory lock under which tables are made."""
_timings = msgspec.msgpack.Decoder(list[Timing])


class Store:
    """Runs and their episodes, in SQLite (a path) or PostgreSQL (a URL).

    Several processes may use one store at once; one run is worked on by one process at a time.

    Args:
        place: A path, `sqlite:///path`, or `postgresql://user@host/name`; by default `TURNWISE_STORE`, else
            `turnwise.db` in the current folder.
        create: Make it where there is none.

    Raises:
        StoreError: it cannot be opened, is not a store, or was written by a newer Turnwise.
    """

    def __init__(self, place: str | Path | None = None, *, create: bool = True) -> None:
        self.place = str(place or os.environ.get("TURNWISE_STORE") or DEFAULT)
        self.url = _url(self.place)
        self.embedded = self.url.get_backend_name() == "sqlite"
        self.shown = self.place if "://" not in self.place else self.url.render_as_string(hide_password=True)
        """The place, without a password."""
        if self.embedded and not create and self.url.database and not Path(self.url.database).exists():
            raise StoreError(f"there is no store at {self.place}: start a run first, or name one by --store")
        with self.trouble("open"):
            self.engine = sa.create_engine(self.url, **_options(self.url))
            if self.embedded:
                event.listen(self.engine, "connect", _tune)
            self._connections = Connections(self.engine, self.shown)
            self._prepare()

    def trouble(self, doing: str) -> Trouble:
        """A context that turns the database's errors into one line."""
        return Trouble(self.shown, doing)

    def reading(self, what: str) -> Reading:
        """A context with a connection to read from; within `held`, the one that this thread holds."""
        return self._connections.reading(what)

    def held(self) -> AbstractContextManager[None]:
        """A context in which this thread holds one connection for all that it reads."""
        return self._connections.held()

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    # Runs ---------------------------------------------------------------------------------------------

    def create_run(
        self,
        *,
        environment: str,
        planned: int,
        config: dict[str, Any],
        provenance: dict[str, Any],
        kind: str = "run",
        parent: str | None = None,
    ) -> RunRow:
        """Write down a new run, owned by this process."""
        now = time.time()
        values: dict[str, Any] = {
            "kind": kind,
            "environment": environment,
            "planned": planned,
            "created": now,
            "status": "running",
            "parent": parent,
            "owner": owner.me(),
            "beat": now,
        }
        written = {"config": wire.encode(config).decode(), "provenance": wire.encode(provenance).decode()}
        while True:
            name = f"{environment}-{''.join(secrets.choice(_ALPHABET) for _ in range(5))}"
            try:
                with self.trouble("write a run"), self.engine.begin() as connection:
                    statements.NEW_RUN.run(connection, name, *values.values(), *written.values())
                    [(number,)] = statements.RUN_NUMBER.rows(connection, name)
            except StoreError as error:
                if isinstance(error.__cause__, IntegrityError):
                    continue
                raise
            read = {key: msgspec.json.decode(text) for key, text in written.items()}
            return RunRow(number=number, id=name, **values, **read)

    def run(self, name: str) -> RunRow:
        """The run of this id, of an unambiguous beginning of one, or the `last` one.

        Raises:
            StoreError: with the nearest ids, where there is none.
        """
        with self.reading("runs") as connection:
            if name in _LAST:
                found = statements.LAST_RUN.rows(connection)
            else:
                found = statements.RUN.rows(connection, name)
                if not found:
                    begins = runs.c.id.startswith(name, autoescape=True)
                    newest = sa.select(runs).where(begins).order_by(runs.c.number.desc())
                    found = connection.execute(newest.limit(5)).all()
            known: list[str] = []
            if not found:
                known += [str(name) for name in connection.scalars(sa.select(runs.c.id))]
        if not found:
            near = did_you_mean(name, known) or ("" if known else "; it has no runs yet")
            raise StoreError(f"store {self.shown} has no run {name!r}{near}")
        if len(found) > 1:
            ids = ", ".join(row[statements.RUN_ID] for row in found)
            raise StoreError(f"{name!r} could be any of {ids}: give more of it")
        return _run_row(found[0])

    def run_named(self, name: str) -> RunRow | None:
        """The run of exactly this id, where there is one."""
        with self.reading("runs") as connection:
            found = statements.RUN.rows(connection, name)
        return _run_row(found[0]) if found else None

    def runs(self, limit: int | None = None, *, numbers: Sequence[int] | None = None) -> list[RunRow]:
        """The runs, or those of these numbers, newest first."""
        query = sa.select(runs).order_by(runs.c.number.desc()).limit(limit)
        if numbers is not None:
            query = query.where(runs.c.number.in_(numbers))
        with self.reading("runs") as connection:
            return [_run_row(tuple(row)) for row in connection.execute(query)]

    def counts(self, numbers: Sequence[int] | None = None) -> dict[int, RunCounts]:
        """How far runs are, by number; all runs by default."""
        ended = episodes.c.stop.is_not(None)
        query = sa.select(
            episodes.c.run,
            sa.func.count().filter(ended).label("ended"),
            sa.func.count().filter(episodes.c.stop == Stop.ERROR.value).label("failed"),
            sa.func.coalesce(sa.func.sum(episodes.c.turns), 0).label("turns"),
            sa.func.avg(episodes.c.score).label("score"),
            sa.func.coalesce(sa.func.sum(episodes.c.cost), 0.0).label("cost"),
        ).group_by(episodes.c.run)
        if numbers is not None:
            query = query.where(episodes.c.run.in_(numbers))
        with self.reading("episodes") as connection:
            return {
                row.run: RunCounts(
                    ended=row.ended, failed=row.failed, turns=row.turns, score=row.score, cost=row.cost
                )
                for row in connection.execute(query)
            }

    def claim(self, number: int) -> None:
        """Take a run to work on.

        Raises:
            StoreError: another process works on it.
        """
        with self.trouble("claim a run"), self.engine.begin() as connection:
            row = connection.execute(
                sa.select(runs.c.id, runs.c.owner, runs.c.beat).where(runs.c.number == number)
            ).one()
            if row.owner and row.owner != owner.me() and owner.alive(row.owner, row.beat):
                host, pid, _ = row.owner.rsplit(":", 2)
                raise StoreError(f"run {row.id} is being worked on by process {pid} on {host}")
            same = runs.c.owner.is_(None) if row.owner is None else runs.c.owner == row.owner
            taken = connection.execute(
                runs.update()
                .where(runs.c.number == number, same)
                .values(owner=owner.me(), beat=time.time(), status="running", ended=None)
            )
            if taken.rowcount != 1:
                raise StoreError(f"run {row.id} was taken by another process just now")

    def beat(self, number: int) -> None:
        """Say that this process still works on the run."""
        self._update(statements.BEAT, time.time(), number)

    def release(self, number: int, status: str) -> None:
        """Give a run back: `done`, or `stopped` where it can be resumed."""
        self._update(statements.RELEASE, status, time.time(), number)

    def delete(self, number: int) -> None:
        """Remove a run with all it holds."""
        with self.trouble("delete a run"), self.engine.begin() as connection:
            connection.execute(log.delete().where(log.c.run == number))
            connection.execute(episodes.delete().where(episodes.c.run == number))
            connection.execute(runs.delete().where(runs.c.number == number))

    def cut(self, number: int, start: int) -> None:
        """Remove the episodes of a run from number `start` on, so that they can be played anew."""
        with self.trouble("remove episodes"), self.engine.begin() as connection:
            connection.execute(log.delete().where(log.c.run == number, log.c.episode >= start))
            connection.execute(episodes.delete().where(episodes.c.run == number, episodes.c.number >= start))

    # Episodes -----------------------------------------------------------------------------------------

    def stops(self, run: int) -> dict[int, str | None]:
        """Why each episode that was begun ended, by number; None for those that did not."""
        query = sa.select(episodes.c.number, episodes.c.stop).where(episodes.c.run == run)
        with self.reading("episodes") as connection:
            return {row.number: row.stop for row in connection.execute(query)}

    def episodes(self, run: int, *, limit: int | None = None, offset: int = 0) -> list[EpisodeRow]:
        """The episodes that were begun, in order."""
        query = sa.select(*statements.LINE).where(episodes.c.run == run)
        query = query.order_by(episodes.c.number).limit(limit).offset(offset)
        with self.reading("episodes") as connection:
            return [_episode_row(tuple(row)) for row in connection.execute(query)]

    def extent(self, run: int, number: int) -> tuple[EpisodeRow, int, int] | None:
        """An episode that was begun, in short; how many parts its log has, and how many bytes they are."""
        with self.reading("an episode") as connection:
            found = statements.EXTENT.rows(connection, run, number)
        if not found:
            return None
        *row, parts, size = found[0]
        return _episode_row(row), parts, int(size)

    def columns(self, run: int, names: Sequence[str]) -> list[tuple[Any, ...]]:
        """Some columns of all episodes that were begun, in order; quick for very large runs."""
        query = sa.select(*(episodes.c[name] for name in names)).where(episodes.c.run == run)
        with self.reading("episodes") as connection:
            # Straight from the driver: a hundred thousand rows need no wrapping.
            cursor: Any = connection.execute(query.order_by(episodes.c.number)).cursor
            return cursor.fetchall()

    def scores(self, run: int) -> tuple[list[str], list[float | None]]:
        """Task and score of all episodes that ended, in order; None is a missing verdict."""
        query = sa.select(episodes.c.task, episodes.c.score).where(
            episodes.c.run == run, episodes.c.stop.is_not(None)
        )
        with self.reading("episodes") as connection:
            cursor: Any = connection.execute(query.order_by(episodes.c.number)).cursor
            rows: list[tuple[str, float | None]] = cursor.fetchall()
        return [task for task, _ in rows], [score for _, score in rows]

    def totals(self, run: int) -> list[dict[str, Any]]:
        """For each stop reason, how many episodes of a run ended so, and the sums of their figures."""
        summed = ("turns", "tool_calls", "input", "output", "cost", "seconds")
        query = (
            sa.select(
                episodes.c.stop,
                sa.func.count().label("episodes"),
                *(sa.func.coalesce(sa.func.sum(episodes.c[name]), 0).label(name) for name in summed),
            )
            .where(episodes.c.run == run, episodes.c.stop.is_not(None))
            .group_by(episodes.c.stop)
        )
        with self.reading("episodes") as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def failures(self, run: int) -> list[tuple[int, Failure]]:
        """What made episodes fail, by number."""
        query = sa.select(episodes.c.number, episodes.c.error).where(
            episodes.c.run == run, episodes.c.error.is_not(None)
        )
        with self.reading("episodes") as connection:
            found = connection.execute(query.order_by(episodes.c.number)).all()
        return [(row.number, wire.decode(row.error, Failure)) for row in found]

    def read(self, run: int, number: int) -> EpisodeLog:
        """The whole log of an episode, as far as it was played.

        Raises:
            StoreError: there is no such episode, or what is stored cannot be read.
        """
        return self._read(run, [number])[number][0]

    def read_whole(self, run: int, row: EpisodeRow) -> tuple[EpisodeLog, list[bytes | None]]:
        """The log of an episode that was just looked up, and its times as they are stored (`decode_timings`).

        Raises:
            StoreError: there is no such episode, or what is stored cannot be read.
        """
        with self.reading("an episode") as connection:
            parts = statements.LOG.rows(connection, run, row.number)
        if not parts:
            raise StoreError(f"store {self.shown}: this run has no episode {row.number}")
        error = None if row.error is None else wire.encode(row.error)
        folded = self._fold([data for data, _ in parts], (row.number, row.stop, row.detail, error))
        return folded, [times for _, times in parts]

    def read_many(self, run: int, numbers: Iterable[int]) -> Generator[tuple[int, EpisodeLog]]:
        """The logs of several episodes, a few at a time."""
        wanted = list(numbers)
        for start in range(0, len(wanted), 200):
            batch = wanted[start : start + 200]
            found = self._read(run, batch)
            for number in batch:
                yield number, found[number][0]

    def resumable(self, run: int, number: int) -> tuple[EpisodeLog, int]:
        """The log of an episode and the number of its next part."""
        return self._read(run, [number])[number]

    def timings(self, run: int, number: int) -> list[Timing]:
        """When each call and effect of an episode was asked for and how long it took."""
        with self.reading("timings") as connection:
            return decode_timings([times for _, times in statements.LOG.rows(connection, run, number)])

    def timings_of(self, run: int, numbers: Sequence[int]) -> list[Timing]:
        """The same of all calls and effects of several episodes, in any order."""
        query = sa.select(log.c.timings).where(log.c.run == run, log.c.episode.in_(numbers))
        with self.reading("timings") as connection:
            return decode_timings(connection.scalars(query))

    def plant(self, run: int, number: int, known: EpisodeLog) -> None:
        """Put an episode that has not ended in its place, with all that is known of it so far.

        Whatever the place held is replaced, in one transaction. The next part of its log is number 2.
        """
        header, body = _split(known)
        parts = [(run, number, part, wire.encode(data)) for part, data in enumerate((header, body))]
        with self.trouble("write an episode"), self.engine.begin() as connection:
            statements.NO_PARTS.run(connection, run, number)
            statements.NO_EPISODE.run(connection, run, number)
            statements.NEW_EPISODE.run(connection, run, number, known.task["id"], known.epoch, known.seed)
            statements.NEW_PART.each(connection, parts)

    def journal(self, run: int) -> RunJournal:
        """Where the running episodes of a run are written."""
        threads = "always" if not self.embedded else "never" if _is_in_memory(self.url) else "large"
        return RunJournal(self.engine, run, self.trouble, threads=threads)

    # Inside -------------------------------------------------------------------------------------------

    def _read(self, run: int, numbers: Sequence[int]) -> dict[int, tuple[EpisodeLog, int]]:
        with self.reading("an episode") as connection:
            if len(numbers) == 1:
                parts = statements.PARTS.rows(connection, run, numbers[0])
                ends = statements.END.rows(connection, run, numbers[0])
            else:
                within = statements.PARTS_OF.where(log.c.run == run, log.c.episode.in_(numbers))
                parts = connection.execute(within.order_by(log.c.episode, log.c.part)).all()
                whole = statements.END_OF.where(episodes.c.run == run, episodes.c.number.in_(numbers))
                ends = connection.execute(whole).all()
        stored: dict[int, list[bytes]] = {}
        for number, data in parts:
            stored.setdefault(number, []).append(data)
        ended = {row[0]: row for row in ends}
        missing = [number for number in numbers if number not in stored or number not in ended]
        if missing:
            raise StoreError(f"store {self.shown}: this run has no episode {missing[0]}")
        return {
            number: (self._fold(stored[number], ended[number]), len(stored[number])) for number in numbers
        }

    def _fold(self, parts: Sequence[bytes], end: Sequence[Any]) -> EpisodeLog:
        number, stop, detail, error = end
        try:
            header = wire.decode(parts[0], EpisodeLog)
            folded = header.extended(wire.decode(part, Segment) for part in parts[1:])
            return msgspec.structs.replace(
                folded,
                stop=None if stop is None else Stop(stop),
                detail=detail,
                error=None if error is None else wire.decode(error, Failure),
            )
        except (msgspec.DecodeError, ValueError) as wrong:
            raise StoreError(f"store {self.shown}: episode {number} cannot be read: {wrong}") from wrong

    def _update(self, statement: Prepared, *values: Any) -> None:
        with self.trouble("update a run"), self.engine.begin() as connection:
            statement.run(connection, *values)

    def _prepare(self) -> None:
        """Check the tables' version, or make the tables; several processes may come here at once."""
        with self.engine.begin() as connection:
            if not _is_made(connection):
                lock = "BEGIN IMMEDIATE" if self.embedded else f"SELECT pg_advisory_xact_lock({_LOCK})"
                connection.exec_driver_sql(lock)
                if not _is_made(connection):
                    schema.metadata.create_all(connection, checkfirst=False)
                    insert = schema.about.insert().values(key="version", value=str(schema.VERSION))
                    connection.execute(insert)
                    return
            version = connection.scalar(
                sa.select(schema.about.c.value).where(schema.about.c.key == "version")
            )
        if version is None or not version.isdecimal():
            raise StoreError(f"store {self.shown}: cannot tell its version ({version!r}): is it a store?")
        if int(version) > schema.VERSION:
            raise StoreError(
                f"store {self.shown} was written by a newer Turnwise (tables {version}, this one knows "
                f"{schema.VERSION}): update turnwise"
            )


def decode_timings(stored: Iterable[bytes | None]) -> list[Timing]:
    """Measured times as they are stored."""
    return [timing for data in stored if data for timing in _timings.decode(data)]


def _is_made(connection: sa.Connection) -> bool:
    return connection.dialect.has_table(connection, schema.about.name)


def _split(whole: EpisodeLog) -> tuple[EpisodeLog, Segment]:
    """A log as its header and one segment."""
    body = {name: getattr(whole, name) for name in Segment.__struct_fields__ if name != "unknown"}
    empty = {name: type(value)() for name, value in body.items()}
    return msgspec.structs.replace(whole, **empty, stop=None, detail=None, error=None), Segment(**body)


def _url(place: str) -> sa.URL:
    if "://" not in place:
        return sa.URL.create("sqlite", database=place)
    try:
        url = sa.make_url(place)
    except (SQLAlchemyError, ValueError):
        raise StoreError(
            "cannot read the store's URL: expected a path or postgresql://user@host/name"
        ) from None
    if url.get_backend_name() == "postgresql" and "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"no store in {url.drivername!r}: expected a path or postgresql://user@host/name")
    return url


def _is_in_memory(url: sa.URL) -> bool:
    return url.database in (None, "", ":memory:")


def _options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        options: dict[str, Any] = {"connect_args": {"timeout": 60, "check_same_thread": False}}
        if _is_in_memory(url):
            # What is in memory is gone with its connection, and there is another in every thread.
            options["poolclass"] = StaticPool
        return options
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}


def _tune(connection: Any, record: Any) -> None:
    """A write-ahead log that survives any crash of the process; `checkpoint.py` carries it over."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA wal_autocheckpoint=0")
    cursor.execute("PRAGMA cache_size=-32000")
    cursor.close()


def _run_row(row: Sequence[Any]) -> RunRow:
    values = dict(zip(statements.RUN_NAMES, row, strict=True))
    for name in ("config", "provenance"):
        values[name] = msgspec.json.decode(values[name])
    return RunRow(**values)


def _episode_row(row: Sequence[Any]) -> EpisodeRow:
    values = dict(zip(statements.LINE_NAMES, row, strict=True))
    values["metrics"] = {} if not values["metrics"] else msgspec.json.decode(values["metrics"])
    values["error"] = None if not values["error"] else msgspec.json.decode(values["error"])
    return EpisodeRow(**values)
