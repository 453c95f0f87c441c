"""What SQL may use, what comes of it, and what an engine does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol, cast

import msgspec

from turnwise.errors import ToolError


class SqlLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one call."""

    seconds: float = 10.0
    """Longest it may take."""
    rows: int = 200
    """Most rows of its result; what is more is left out, and said to be."""
    cell_chars: int = 2_000
    """Most characters of one value."""
    statement_chars: int = 100_000
    """Longest SQL."""
    memory_mb: int = 256
    """Most a database may grow, or an engine take for one query, in MiB, where the engine can be told."""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a call; all of it has a JSON form."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    """Of the last statement that gave any. Dates are ISO text, decimals numbers, bytes `x'00ff'`."""
    affected: int | None = None
    """Rows that the last statement changed, where the engine says it."""
    cut: bool = False
    """Whether there were more rows."""
    error: str | None = None
    """Why nothing happened."""

    @property
    def text(self) -> str:
        """As a model reads it: a header, the rows, and how many there are."""
        if self.error is not None:
            return f"error: {self.error}"
        if not self.columns:
            return "done" if self.affected is None else f"done, {_rows(self.affected)} changed"
        lines = [" | ".join(self.columns), *(" | ".join(map(_shown, row)) for row in self.rows)]
        more = ", and more that are left out" if self.cut else ""
        return "\n".join([*lines, f"({_rows(len(self.rows))}{more})"])


class Session(Protocol):
    """One open copy of a database. Its methods run in one thread, one at a time."""

    def run(self, sql: str, *, write: bool, seed: int, limits: SqlLimits) -> Result:
        """Run statements as one transaction, kept where they may write and nothing failed.

        Args:
            sql: Untrusted.
            write: Whether they may change anything.
            seed: Of what they draw at random.
            limits: What they may use.
        """
        ...

    def content(self) -> Iterable[tuple[str, Sequence[str], Iterable[Sequence[Any]]]]:
        """Each table of the database: name, columns, rows."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Engine(Protocol):
    """What makes copies of one database."""

    @property
    def dialect(self) -> str:
        """What a model is told: `SQLite`, `DuckDB`, `PostgreSQL`."""
        ...

    def open(self, limits: SqlLimits) -> Session:
        """A fresh copy.

        Raises:
            SandboxError: there is none to be had.
        """
        ...


class RefusedError(ToolError):
    """Something that is not allowed; its text is for the model."""


def result(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], affected: int | None, limits: SqlLimits
) -> Result:
    """A result of what an engine gave: up to one row more than is to be had."""
    return Result(
        columns=tuple(columns),
        rows=tuple(tuple(plain(value, limits.cell_chars) for value in row) for row in rows[: limits.rows]),
        affected=None if affected is None or affected < 0 or columns else affected,
        cut=len(rows) > limits.rows,
    )


def failed(error: BaseException, limits: SqlLimits) -> Result:
    """A result that says why."""
    text = str(error).strip() or type(error).__name__
    return Result(error=text[: limits.cell_chars])


def too_late(limits: SqlLimits) -> Result:
    """A result that says that time was up."""
    return Result(error=f"stopped after {limits.seconds:g} seconds")


def plain(value: Any, most: int) -> Any:
    """A value in JSON, and not too long."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        text = f"x'{bytes(cast('bytes', value))[: most // 2].hex()}'"
    elif isinstance(value, (datetime, date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    elif isinstance(value, timedelta):
        return str(value)
    elif isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [plain(item, most) for item in items[:most]]
    elif isinstance(value, dict):
        return {str(key): plain(item, most) for key, item in cast("dict[Any, Any]", value).items()}
    else:
        text = str(value)
    # What a database holds need be no text that can be written down.
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else f"{text[:most]}…"


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"


def _shown(value: Any) -> str:
    if value is None:
        return "NULL"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
