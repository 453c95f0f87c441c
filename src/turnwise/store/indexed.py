"""The search index of an SQLite store: a file of its own beside it, with SQLite's full-text search (FTS5).

A turn's place is its row's number: 20 bits for the turn, 22 for the episode, the rest for the run, so that a
search within a run or an episode is a range of rows, and needs no table beside. The logs' own row numbers
tell what is new.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from turnwise.errors import StoreError
from turnwise.store.schema import episodes
from turnwise.store.schema import runs as run_table
from turnwise.store.search import END, START, Found, Place, Progress, Row, Term, rows
from turnwise.store.store import Store

_TURNS, _EPISODES = 20, 22
_VERSION = 2
_BATCH = 2_000
"""Parts of logs that are taken in at once."""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS about (version INTEGER, last INTEGER, run INTEGER, episode INTEGER, part INTEGER);
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, id TEXT);
CREATE TABLE IF NOT EXISTS done (run INTEGER, episode INTEGER, PRIMARY KEY (run, episode)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS turns USING fts5(
  text, role, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
INSERT INTO about SELECT {_VERSION}, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM about);
"""


class FileIndex:
    """See `turnwise.store.search.Index`. Threads and processes may share it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.path = Path(f"{store.url.database}-search")
        self._local = threading.local()

    def catch_up(self, seconds: float) -> Progress:
        """Take in what is new, for about so long.

        Raises:
            StoreError: the index cannot be written, or the store cannot be read.
        """
        over = perf_counter() + seconds
        while self._take_in() == _BATCH and perf_counter() < over:
            pass
        return self.progress()

    def progress(self) -> Progress:
        """How far it is."""
        with self._trouble(), self._open() as connection:
            (done,) = connection.execute("SELECT count(*) FROM done").fetchone()
        with self.store.trouble("read episodes"), self.store.engine.connect() as other:
            of = other.scalar(sa.select(sa.func.count()).select_from(episodes)) or 0
        return Progress(min(done, of), of)

    def find(
        self, terms: Sequence[Term], place: Place, *, limit: int, offset: int = 0, ranked: bool = True
    ) -> list[Found]:
        """Turns that fit: the best first, or the newest, which needs not look at all of them."""
        order = "rank" if ranked else "rowid DESC"
        where, values = _where(terms, place)
        query = (
            f"SELECT rowid, role, snippet(turns, 0, '{START}', '{END}', '…', 32) FROM turns WHERE {where} "
            f"ORDER BY {order} LIMIT ? OFFSET ?"
        )
        with self._trouble(), self._open() as connection:
            found = connection.execute(query, (*values, limit, offset)).fetchall()
        return [Found(*_place(row), role, text) for row, role, text in found]

    def count(self, terms: Sequence[Term], place: Place, most: int) -> int:
        """How many turns fit, counted up to `most`."""
        where, values = _where(terms, place)
        query = f"SELECT count(*) FROM (SELECT 1 FROM turns WHERE {where} LIMIT ?)"
        with self._trouble(), self._open() as connection:
            (count,) = connection.execute(query, (*values, most)).fetchone()
        return count

    def episodes(self, terms: Sequence[Term], run: int) -> list[int]:
        """Numbers of a run's episodes in which some turn fits."""
        where, values = _where(terms, Place(run))
        with self._trouble(), self._open() as connection:
            found = connection.execute(f"SELECT rowid FROM turns WHERE {where}", values).fetchall()
        return sorted({_place(row)[1] for (row,) in found})

    # Inside -------------------------------------------------------------------------------------------

    def _take_in(self) -> int:
        """Index the next parts of logs; gives how many."""
        with self._trouble(), self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                count = self._take(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
        return count

    def _take(self, connection: sqlite3.Connection) -> int:
        _, last, run, episode, part = connection.execute("SELECT * FROM about").fetchone()
        with self.store.trouble("read logs"), self.store.engine.connect() as other:
            last = self._same(other, last, (run, episode, part))
            read = "SELECT rowid, run, episode, part, data FROM log WHERE rowid > ? ORDER BY rowid LIMIT ?"
            new = other.exec_driver_sql(read, (last, _BATCH)).fetchall()
            self._know(connection, other, sorted({row[1] for row in new}))
        if not new:
            return 0
        made = [row for _, run, episode, _, data in new for row in rows(run, episode, data)]
        _write(connection, made)
        connection.executemany("INSERT OR IGNORE INTO done VALUES (?, ?)", {(row[1], row[2]) for row in new})
        connection.execute("UPDATE about SET last = ?, run = ?, episode = ?, part = ?", new[-1][:4])
        return len(new)

    def _same(self, other: sa.Connection, last: int, place: tuple[int, int, int]) -> int:
        """The last row that was taken in, or what is before its run where that row is another one by now."""
        if not last:
            return 0
        read = "SELECT run, episode, part FROM log WHERE rowid = ?"
        if other.exec_driver_sql(read, (last,)).fetchone() == place:
            return last
        # Rows at the end were removed (an episode that failed was tried again) and their numbers used anew.
        first = other.exec_driver_sql("SELECT min(rowid) FROM log WHERE run >= ?", (place[0],)).scalar()
        top = other.exec_driver_sql("SELECT max(rowid) FROM log").scalar() or 0
        return top if first is None else min(last, first - 1)

    def _know(self, connection: sqlite3.Connection, other: sa.Connection, numbers: list[int]) -> None:
        """Forget what was indexed of runs whose numbers are other runs' by now."""
        if not numbers:
            return
        query = sa.select(run_table.c.number, run_table.c.id).where(run_table.c.number.in_(numbers))
        for number, name in other.execute(query).all():
            known = connection.execute("SELECT id FROM runs WHERE number = ?", (number,)).fetchone()
            if known is not None and known[0] != name:
                connection.execute("DELETE FROM turns WHERE rowid BETWEEN ? AND ?", _span(Place(number)))
                connection.execute("DELETE FROM done WHERE run = ?", (number,))
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?)", (number, name))

    @contextlib.contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        """This thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = _connected(self.path)
            self._local.connection = connection
        yield connection

    @contextlib.contextmanager
    def _trouble(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self._local.connection = None
            raise StoreError(f"search index {self.path}: {error}") from error


def _connected(path: Path) -> sqlite3.Connection:
    """A connection to an index that is whole; one that is none, or of another version, is made anew."""
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_SCHEMA)
        (version,) = connection.execute("SELECT version FROM about").fetchone()
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise
        version = None
    if version == _VERSION:
        return connection
    connection.close()
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    return _connected(path)


def _write(connection: sqlite3.Connection, made: Sequence[Row]) -> None:
    """Turns, those that stand there already anew: a failed episode was played again."""
    values = [(_row(row.run, row.episode, row.turn), row.text, row.role) for row in made]
    try:
        connection.executemany("INSERT INTO turns (rowid, text, role) VALUES (?, ?, ?)", values)
    except sqlite3.IntegrityError:
        connection.executemany("INSERT OR REPLACE INTO turns (rowid, text, role) VALUES (?, ?, ?)", values)


def _row(run: int, episode: int, turn: int) -> int:
    """The row of a turn; what is beyond the bits there are shares the last row."""
    return (
        run << (_TURNS + _EPISODES)
        | min(episode, (1 << _EPISODES) - 1) << _TURNS
        | min(turn, (1 << _TURNS) - 1)
    )


def _place(row: int) -> tuple[int, int, int]:
    return row >> (_TURNS + _EPISODES), row >> _TURNS & (1 << _EPISODES) - 1, row & (1 << _TURNS) - 1


def _span(place: Place) -> tuple[int, int]:
    """First and last row of a run, or of an episode of it."""
    assert place.run is not None
    first = _row(place.run, place.episode or 0, 0)
    bits = _TURNS if place.episode is not None else _TURNS + _EPISODES
    return first, first + (1 << bits) - 1


def _where(terms: Sequence[Term], place: Place) -> tuple[str, list[Any]]:
    """The condition that turns must meet, and its values."""
    wanted = " AND ".join(_term(term) for term in terms if not term.without)
    query = f"{{text}} : ({wanted})"
    for term in terms:
        query += f" NOT {{text}} : {_term(term)}" if term.without else ""
    if place.role is not None:
        query = f"({query}) AND {{role}} : {_term(Term(place.role))}"
    where, values = "turns MATCH ?", [query]
    if place.run is not None:
        return f"{where} AND rowid BETWEEN ? AND ?", [*values, *_span(place)]
    return where, values


def _term(term: Term) -> str:
    quoted = term.text.replace('"', '""')
    return f'"{quoted}"' + (" *" if term.prefix else "")
