"""The records of an organisation while it is made."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

from turnwise.environments.service.crmarena_pro.ids import record_id
from turnwise.environments.service.crmarena_pro.schema import OrgType, catalog
from turnwise.environments.service.crmarena_pro.soql.dates import stamp

Row: TypeAlias = dict[str, Any]
"""One record: its fields, by name, empty ones as None."""

TODAY = date(2025, 6, 16)
"""When everything takes place."""
BEGIN = date(2024, 1, 1)
"""When the records begin."""


class Ledger:
    """All records made so far.

    Args:
        org: Which organisation.
    """

    def __init__(self, org: OrgType) -> None:
        self.org: OrgType = org
        self.rng = random.Random(f"crmarena_pro/{org}")
        self.catalog = catalog(org)
        self.tables: dict[str, list[Row]] = {table.name: [] for table in self.catalog.tables}

    def add(self, table: str, **fields: Any) -> Row:
        """A new record; fields that are not given are empty."""
        rows = self.tables[table]
        row: Row = dict.fromkeys((field.name for field in self.catalog.table(table).fields), None)
        unknown = fields.keys() - row.keys()
        if unknown:
            raise AssertionError(f"{table} has no {sorted(unknown)}")
        row.update(fields, Id=record_id(table, len(rows), self.org))
        rows.append(row)
        return row

    def moment(self, first: date, last: date) -> datetime:
        """Some minute of a working day's hours, from the first day to the last."""
        day = first + timedelta(days=self.rng.randrange((last - first).days + 1))
        return at(day, self.rng.randrange(8, 18), self.rng.randrange(60))


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """A moment of a day, in UTC."""
    return datetime.combine(day, time(hour, minute), UTC)


def read(moment: str) -> datetime:
    """A moment as it is stored."""
    return datetime.fromisoformat(f"{moment[:-5]}+00:00")


__all__ = ["BEGIN", "TODAY", "Ledger", "Row", "at", "read", "stamp"]
