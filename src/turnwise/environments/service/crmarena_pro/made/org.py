"""An organisation: its records, made once for a process, and its database."""

from __future__ import annotations

from datetime import date
from functools import cached_property, lru_cache
from typing import Any

from turnwise.environments.service.crmarena_pro.made import articles, cases, goods, people, quotes, sales
from turnwise.environments.service.crmarena_pro.made.ledger import TODAY, Ledger, Row
from turnwise.environments.service.crmarena_pro.schema import OrgType, catalog, told
from turnwise.environments.service.crmarena_pro.soql import Catalog, Table
from turnwise.environments.service.crmarena_pro.soql.scope import literal, quoted
from turnwise.tools.sql import Sqlite

_KINDS = {"number": "NUMERIC", "boolean": "INTEGER"}


class Org:
    """What an agent asks: a catalog and a database; of those made here also the records.

    Args:
        catalog: The objects there are.
        database: With a table for each.
        today: What the date is.
        tables: The records by object, where they were made here.
    """

    def __init__(
        self, catalog: Catalog, database: Sqlite, today: date, tables: dict[str, list[Row]] | None = None
    ) -> None:
        self.catalog = catalog
        self.database = database
        self.today = today
        self.tables = tables or {}

    @cached_property
    def schema(self) -> str:
        """What an agent is told of its objects."""
        return told(self.catalog)

    @cached_property
    def by_id(self) -> dict[str, Row]:
        """Every record made here, by its id."""
        return {row["Id"]: row for rows in self.tables.values() for row in rows}


@lru_cache(maxsize=2)
def made(org: OrgType) -> Org:
    """The organisation that is made here."""
    ledger = Ledger(org)
    names = people.Names(ledger)
    articles.make(ledger)
    people.make(ledger, names)
    goods.make(ledger)
    cases.make(ledger)
    sales.make(ledger, names)
    quotes.make(ledger)
    return Org(catalog(org), Sqlite(script=_script(ledger)), TODAY, ledger.tables)


def _script(ledger: Ledger) -> str:
    """SQL that makes the database."""
    parts: list[str] = []
    for table in ledger.catalog.tables:
        parts += _table(table, ledger.tables[table.name])
    return "\n".join(parts)


def _table(table: Table, rows: list[Row]) -> list[str]:
    columns = ", ".join(
        f"{quoted(field.name)} {'TEXT PRIMARY KEY' if field.name == 'Id' else _KINDS.get(field.sort, 'TEXT')}"
        for field in table.fields
    )
    name = quoted(table.name)
    parts = [f"CREATE TABLE {name} ({columns}) WITHOUT ROWID;"]
    parts += [
        f"CREATE INDEX {quoted(f'{table.name}/{field.name}')} ON {name} ({quoted(field.name)});"
        for field in table.fields
        if field.to is not None
    ]
    if rows:
        values = ",\n".join(f"({', '.join(map(_sql, row.values()))})" for row in rows)
        parts.append(f"INSERT INTO {name} VALUES\n{values};")
    return parts


def _sql(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return literal(value)
    return str(int(value)) if isinstance(value, bool) else repr(value)
