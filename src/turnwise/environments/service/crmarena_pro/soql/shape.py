"""Rows of SQL as records, as Salesforce gives them: nested by relationship."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from turnwise.environments.service.crmarena_pro.soql.catalog import Sort

Record = dict[str, Any]


class Column(NamedTuple):
    """One selected thing: where it stands in a row, and in a record."""

    way: tuple[str, ...]
    """Relationships, and last the name."""
    sort: Sort = "string"
    inner: Shape | None = None
    """Of a query within: the value is JSON, a list of rows."""
    exists: int | None = None
    """Place in the row that is empty where there is no such related record."""


class Shape(NamedTuple):
    """How a row becomes a record."""

    columns: tuple[Column, ...]

    def record(self, row: Sequence[Any]) -> Record:
        """One record."""
        record: Record = {}
        for column, value in zip(self.columns, row, strict=False):
            if not column.way:
                continue
            place = self._place(record, column, row)
            if place is not None:
                place[column.way[-1]] = (
                    column.inner.nested(value) if column.inner else _value(value, column.sort)
                )
        return record

    def nested(self, value: Any) -> list[Record] | None:
        """The records of a query within; None where there are none, as Salesforce has it."""
        rows: list[Any] = msgspec.json.decode(value) if value else []
        return [self.record(row) for row in rows] or None

    def _place(self, record: Record, column: Column, row: Sequence[Any]) -> Record | None:
        """The record that a value stands in; None where the related one is missing."""
        here = record
        for step in column.way[:-1]:
            if here.get(step, here) is None:
                return None
            if column.exists is not None and row[column.exists] is None and step == column.way[-2]:
                here.setdefault(step, None)
                return None
            here = here.setdefault(step, {})
        return here


def _value(value: Any, sort: Sort) -> Any:
    if sort == "boolean":
        return bool(value)
    return None if value == "" else value


def without_empty(records: list[Record]) -> list[Record]:
    """The records without what is empty in all of them."""
    filled = {name for record in records for name, value in record.items() if value is not None}
    return [{name: value for name, value in record.items() if name in filled} for record in records]
