"""DuckDB: a copy of a database is a copy of its file, in a private folder.

What keeps SQL in: no external access, no extensions, no Python variables as tables, a locked configuration; a
list of the kinds of statements that may run; limits of memory and threads; and an interrupt when its time is
up. Needs the extra `sql`.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from turnwise.errors import ConfigError
from turnwise.tools.sql.result import RefusedError, Result, SqlLimits, failed, result, too_late

_READS = frozenset(("SELECT", "EXPLAIN"))
_WRITES = frozenset(
    ("INSERT", "UPDATE", "DELETE", "CREATE", "CREATE_FUNC", "ALTER", "DROP", "MERGE_INTO", "ANALYZE")
)


_DEEPEST = 200
"""Of brackets: the parser takes seconds for thousands that stay open, and nothing can interrupt it."""


def _depth(sql: str) -> int:
    """How deep brackets are nested at most; those in quotes count, too."""
    deepest = depth = 0
    for mark in sql:
        if mark in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in ")]}":
            depth -= 1
    return deepest


def _library() -> Any:
    try:
        import duckdb
    except ImportError:
        raise ConfigError("DuckDB is not installed: install turnwise[sql]") from None
    return duckdb


class DuckDB:
    """A DuckDB database to make copies of.

    Args:
        path: A database file; read once, never written.
        script: Or SQL that makes it; trusted.

    Raises:
        ConfigError: not one of the two.
    """

    dialect = "DuckDB"

    def __init__(self, path: str | Path | None = None, *, script: str | None = None) -> None:
        if (path is None) == (script is None):
            raise ConfigError("DuckDB: expected either a path or a script")
        self._path = None if path is None else Path(path)
        self._script = script
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()

    def open(self, limits: SqlLimits) -> DuckSession:
        """A fresh copy."""
        folder = tempfile.mkdtemp(prefix="turnwise-duckdb-")
        shutil.copyfile(self._file(), Path(folder, "db"))
        return DuckSession(folder, limits)

    def _file(self) -> Path:
        """The database itself."""
        library = _library()
        with self._lock:
            if self._path is None:
                self._folder = tempfile.TemporaryDirectory(prefix="turnwise-duckdb-")
                path = Path(self._folder.name, "base")
                try:
                    with contextlib.closing(library.connect(str(path))) as connection:
                        connection.execute(self._script)
                except library.Error as error:
                    raise ConfigError(f"DuckDB: cannot make the database: {error}") from None
                self._path = path
        return self._path


class DuckSession:
    """An open copy."""

    def __init__(self, folder: str, limits: SqlLimits) -> None:
        self._library = _library()
        self._folder = folder
        config = {
            "enable_external_access": "false",
            "autoload_known_extensions": "false",
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "memory_limit": f"{limits.memory_mb}MiB",
            "max_temp_directory_size": f"{limits.memory_mb}MiB",
            "threads": "1",
            "lock_configuration": "true",
        }
        try:
            self._connection = self._library.connect(str(Path(folder, "db")), config=config)
        except self._library.Error as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise ConfigError(f"DuckDB: cannot open the database: {error}") from None

    def run(self, sql: str, *, write: bool, seed: int, limits: SqlLimits) -> Result:
        """Run statements as one transaction; see `Session`."""
        connection = self._connection
        connection.execute("SELECT setseed(?)", [seed % 1000 / 1000]).fetchall()
        late = threading.Event()

        def interrupt() -> None:
            late.set()
            connection.interrupt()

        clock = threading.Timer(limits.seconds, interrupt)
        connection.begin()
        clock.start()
        try:
            outcome = self._statements(sql, write, limits)
            (connection.commit if write else connection.rollback)()
        except (self._library.Error, RefusedError, ValueError, RuntimeError) as error:
            outcome = too_late(limits) if late.is_set() else failed(error, limits)
            with contextlib.suppress(self._library.Error):
                connection.rollback()
        finally:
            clock.cancel()
        return outcome

    def _statements(self, sql: str, write: bool, limits: SqlLimits) -> Result:
        outcome: Result | None = None
        if _depth(sql) > _DEEPEST:
            raise RefusedError(f"brackets may be nested {_DEEPEST} deep at most")
        for statement in self._connection.extract_statements(sql):
            kind = statement.type.name
            if kind not in _READS and not (write and kind in _WRITES):
                why = "this may only read" if kind in _WRITES else f"{kind} is not allowed"
                raise RefusedError(why)
            cursor = self._connection.execute(statement)
            counted = kind in ("INSERT", "UPDATE", "DELETE", "MERGE_INTO")
            columns = [column[0] for column in cursor.description or ()] if kind in _READS or counted else []
            rows: list[Any] = cursor.fetchmany(limits.rows + 1) if columns else []
            changed = None
            if counted and columns == ["Count"] and len(rows) == 1:
                changed, columns, rows = int(rows[0][0]), [], []
            if columns or outcome is None or not outcome.columns:
                outcome = result(columns, rows, changed, limits)
        if outcome is None:
            raise RefusedError("expected a statement")
        return outcome

    def content(self) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[Any]]]]:
        """Each table."""
        names = self._connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary"
        ).fetchall()
        for schema, name in names:
            quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
            rows = self._connection.execute(f"SELECT * FROM {quoted}")
            yield f"{schema}.{name}", [column[0] for column in rows.description], rows.fetchall()

    def close(self) -> None:
        """Let go of it, and of its file."""
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)
