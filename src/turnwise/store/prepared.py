"""Statements asked again and again: written as SQLAlchemy's, compiled once, run by the driver itself.

To build, key, and wrap a small query anew costs SQLAlchemy ten times what the database takes to answer it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError


class Prepared:
    """A statement whose values are told by position.

    Args:
        statement: With a `sa.bindparam` for each value; other literals stay as they are.
        names: Of its bind parameters, in the order in which values are given.
    """

    __slots__ = ("_compiled", "_names", "_statement")

    def __init__(self, statement: Any, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[type[sa.Dialect], tuple[str, Callable[[Sequence[Any]], Any]]] = {}

    def rows(self, connection: sa.Connection, *values: Any) -> list[tuple[Any, ...]]:
        """What the query finds, as plain tuples."""
        text, arranged = self._for(connection)
        with _Cursor(connection, text) as cursor:
            cursor.execute(text, arranged(values))
            return cursor.fetchall()

    def run(self, connection: sa.Connection, *values: Any) -> int:
        """Execute it once, within the connection's transaction; gives how many rows it touched."""
        text, arranged = self._for(connection)
        with _Cursor(connection, text) as cursor:
            cursor.execute(text, arranged(values))
            return cursor.rowcount

    def each(self, connection: sa.Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Execute it for each row of values."""
        if rows:
            text, arranged = self._for(connection)
            with _Cursor(connection, text) as cursor:
                cursor.executemany(text, rows if arranged is _as_given else [arranged(row) for row in rows])

    # Inside -------------------------------------------------------------------------------------------

    def _for(self, connection: sa.Connection) -> tuple[str, Callable[[Sequence[Any]], Any]]:
        dialect = connection.dialect
        found = self._compiled.get(type(dialect))
        if found is None:
            found = self._compiled[type(dialect)] = self._compile(dialect)
        return found

    def _compile(self, dialect: sa.Dialect) -> tuple[str, Callable[[Sequence[Any]], Any]]:
        compiled = self._statement.compile(dialect=dialect)
        return str(compiled), _arrangement(compiled, self._names)


class PreparedInsert(Prepared):
    """A row of a table, given by some columns; its text needs no compiler.

    Args:
        table: Where it goes.
        names: Of the columns, in the order in which values are given.
    """

    __slots__ = ("_table",)

    def __init__(self, table: sa.Table, *names: str) -> None:
        super().__init__(None, *names)
        self._table = table

    def _compile(self, dialect: sa.Dialect) -> tuple[str, Callable[[Sequence[Any]], Any]]:
        quote, names = dialect.identifier_preparer.quote, self._names
        positional = dialect.paramstyle == "qmark"
        values = ["?" if positional else f"%({name})s" for name in names]
        text = (
            f"INSERT INTO {quote(self._table.name)} ({', '.join(map(quote, names))}) "
            f"VALUES ({', '.join(values)})"
        )
        return text, _as_given if positional else lambda row: dict(zip(names, row, strict=True))


class _Cursor:
    """The driver's cursor, whose errors are SQLAlchemy's."""

    __slots__ = ("connection", "cursor", "text")

    def __init__(self, connection: sa.Connection, text: str) -> None:
        self.connection = connection
        self.text = text

    def __enter__(self) -> Any:
        self.cursor: Any = self.connection.connection.cursor()
        return self.cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.cursor.close()
        driver: Any = self.connection.dialect.dbapi
        if error is not None and isinstance(error, driver.Error):
            raise DBAPIError.instance(self.text, None, error, driver.Error) from error


def _arrangement(compiled: Any, names: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """From values in our order to what the driver wants: a sequence in its own, or a dictionary."""
    fixed: dict[str, Any] = {key: value for key, value in compiled.params.items() if key not in names}
    order: list[str] | None = compiled.positiontup
    if order is None:
        return lambda values: {**fixed, **dict(zip(names, values, strict=True))}
    if tuple(order) == names:
        return _as_given
    places = {name: index for index, name in enumerate(names)}
    return lambda values: [values[places[name]] if name in places else fixed[name] for name in order]


def _as_given(values: Sequence[Any]) -> Sequence[Any]:
    return values
