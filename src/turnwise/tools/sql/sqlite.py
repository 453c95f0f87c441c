"""SQLite in memory: a copy of a database is its bytes.

What keeps SQL in: an authorizer that refuses ATTACH (and with it VACUUM, which writes files), virtual tables,
transactions of its own, extensions, and every PRAGMA but those that describe tables; limits of lengths
and depths; a size the database may grow to; and a handler that stops it when its time is up.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any

from turnwise.errors import ConfigError
from turnwise.tools.sql.result import RefusedError, Result, SqlLimits, failed, result, too_late

_KINDS = ("INDEX", "TABLE", "TRIGGER", "VIEW")
_CHANGES = frozenset(
    getattr(sqlite3, f"SQLITE_{name}")
    for name in (
        *("INSERT", "UPDATE", "DELETE", "ALTER_TABLE", "REINDEX", "ANALYZE"),
        *(f"{what}_{kind}" for what in ("CREATE", "DROP") for kind in _KINDS),
        *(f"{what}_TEMP_{kind}" for what in ("CREATE", "DROP") for kind in _KINDS),
    )
)
_HARMLESS = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE))
_DESCRIBING = frozenset(
    (
        *("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo"),
        *("foreign_key_list", "foreign_key_check"),
    )
)
_FUNCTIONS_REFUSED = frozenset(("load_extension", "fts3_tokenizer", "edit", "readfile", "writefile"))
_MIB = 1 << 20
_STEPS = 2_000
"""Steps of SQLite's machine between two looks at the clock."""


class Sqlite:
    """A SQLite database to make copies of.

    Args:
        path: A database file; read once, never written.
        script: Or SQL that makes it.

    Raises:
        ConfigError: not one of the two.
    """

    dialect = "SQLite"

    def __init__(self, path: str | Path | None = None, *, script: str | None = None) -> None:
        if (path is None) == (script is None):
            raise ConfigError("Sqlite: expected either a path or a script")
        self._path = path
        self._script = script

    @cached_property
    def _bytes(self) -> bytes:
        """The database itself."""
        try:
            with closing(sqlite3.connect(":memory:")) as memory:
                if self._path is None:
                    memory.executescript(self._script or "")
                else:
                    whole = Path(self._path).resolve(strict=True).as_uri()
                    with closing(sqlite3.connect(f"{whole}?mode=ro", uri=True)) as file:
                        file.backup(memory)
                memory.commit()
                data = bytearray(memory.serialize())
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"Sqlite: cannot make the database: {error}") from None
        # A copy in memory has no write-ahead log, whatever the file had.
        data[18:20] = b"\x01\x01"
        return bytes(data)

    def open(self, limits: SqlLimits) -> SqliteSession:
        """A fresh copy."""
        return SqliteSession(self._bytes, limits)


class SqliteSession:
    """An open copy."""

    def __init__(self, data: bytes, limits: SqlLimits) -> None:
        self._connection = connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=0
        )
        connection.deserialize(data)
        # What is no UTF-8 is shown, not stumbled over.
        connection.text_factory = _text
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        pages = (len(data) + limits.memory_mb * _MIB) // page
        connection.execute(f"PRAGMA max_page_count = {pages}")
        for limit, most in (
            (sqlite3.SQLITE_LIMIT_LENGTH, 16 * _MIB),
            (sqlite3.SQLITE_LIMIT_SQL_LENGTH, limits.statement_chars * 4),
            (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
            (sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0),
            (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 50),
            (sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        ):
            connection.setlimit(limit, most)
        self._rng = random.Random()
        connection.create_function("random", 0, lambda: self._rng.getrandbits(64) - (1 << 63))
        connection.create_function("randomblob", 1, self._blob)

    def run(self, sql: str, *, write: bool, seed: int, limits: SqlLimits) -> Result:
        """Run statements as one transaction; see `Session`."""
        connection = self._connection
        self._rng.seed(seed)
        ends = time.monotonic() + limits.seconds
        refused: list[str] = []
        connection.execute("BEGIN")
        try:
            connection.set_authorizer(_guard(write, refused))
            connection.set_progress_handler(lambda: time.monotonic() > ends, _STEPS)
            outcome = self._statements(sql, limits)
        except (sqlite3.Error, sqlite3.Warning, RefusedError, ValueError, MemoryError) as error:
            write = False
            if refused:
                outcome = Result(error=refused[0])
            elif time.monotonic() > ends:
                outcome = too_late(limits)
            else:
                outcome = failed(error, limits)
        finally:
            connection.set_authorizer(None)
            connection.set_progress_handler(None, 0)
        return self._ended(outcome, write, limits)

    def _ended(self, outcome: Result, write: bool, limits: SqlLimits) -> Result:
        """End the transaction; a constraint that is checked last may still fail it."""
        connection = self._connection
        if write:
            try:
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                outcome = failed(error, limits)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return outcome

    def _statements(self, sql: str, limits: SqlLimits) -> Result:
        outcome: Result | None = None
        for statement in _split(sql):
            cursor = self._connection.execute(statement)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(limits.rows + 1) if columns else []
            changed = None if columns else cursor.rowcount
            cursor.close()
            if columns or outcome is None or not outcome.columns:
                outcome = result(columns, rows, changed, limits)
        if outcome is None:
            raise RefusedError("expected a statement")
        return outcome

    def content(self) -> Iterator[tuple[str, Sequence[str], Iterator[Sequence[Any]]]]:
        """Each table."""
        names = self._connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        for (name,) in names.fetchall():
            quoted = name.replace('"', '""')
            rows = self._connection.execute(f'SELECT * FROM "{quoted}"')
            yield name, [column[0] for column in rows.description], rows

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def _blob(self, size: Any) -> bytes:
        return self._rng.randbytes(max(1, min(int(size), _MIB)))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _guard(write: bool, refused: list[str]) -> Any:
    """An authorizer; what it refuses first is put in `refused`."""

    def deny(why: str) -> int:
        refused.append(why)
        return sqlite3.SQLITE_DENY

    def allow(action: int, first: str | None, second: str | None, *_: Any) -> int:
        if action in _HARMLESS:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            name = (second or "").lower()
            return deny(f"the function {name} is not allowed") if name in _FUNCTIONS_REFUSED else 0
        if action == sqlite3.SQLITE_PRAGMA:
            if (first or "").lower() in _DESCRIBING:
                return sqlite3.SQLITE_OK
            return deny(f"PRAGMA {first} is not allowed")
        if action in _CHANGES:
            return sqlite3.SQLITE_OK if write else deny("this may only read")
        if action in (sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT):
            return deny("each call is one transaction already; BEGIN, COMMIT and such are not allowed")
        if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
            return deny("other databases and files are not allowed")
        return deny("this kind of statement is not allowed")

    return allow


def _split(sql: str) -> Iterator[str]:
    """Its statements, one by one."""
    start = 0
    for place, mark in enumerate(sql):
        if mark == ";" and sqlite3.complete_statement(sql[start : place + 1]):
            yield sql[start : place + 1]
            start = place + 1
    if sql[start:].strip():
        yield sql[start:]
