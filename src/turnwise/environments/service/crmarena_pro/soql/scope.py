"""One FROM: its table, the joins that paths over relationships need, and what terms are in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from turnwise.environments.service.crmarena_pro.soql.catalog import Catalog, Field, Sort, Table
from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError, malformed
from turnwise.environments.service.crmarena_pro.soql.tree import Call, Path, Term

MOST_HOPS = 5
"""Relationships in one path, as in Salesforce."""

AGGREGATES = ("COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX")
_PARTS = {
    "YEAR": "CAST(substr({0}, 1, 4) AS INTEGER)",
    "QUARTER": "(CAST(substr({0}, 6, 2) AS INTEGER) + 2) / 3",
    "MONTH": "CAST(substr({0}, 6, 2) AS INTEGER)",
}
_OF_DATES: dict[str, tuple[str, Sort]] = {
    **{f"{kind}_{part}": (sql, "number") for part, sql in _PARTS.items() for kind in ("CALENDAR", "FISCAL")},
    "DAY_IN_MONTH": ("CAST(substr({0}, 9, 2) AS INTEGER)", "number"),
    "DAY_IN_WEEK": ("CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1", "number"),
    "DAY_IN_YEAR": ("CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)", "number"),
    "WEEK_IN_MONTH": ("(CAST(substr({0}, 9, 2) AS INTEGER) + 6) / 7", "number"),
    "WEEK_IN_YEAR": ("(CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER) + 6) / 7", "number"),
    "DAY_ONLY": ("substr({0}, 1, 10)", "date"),
    "HOUR_IN_DAY": ("CAST(substr({0}, 12, 2) AS INTEGER)", "number"),
}
_OF_MOMENTS = ("DAY_ONLY", "HOUR_IN_DAY")


class Known(NamedTuple):
    """A term that was looked up."""

    sql: str
    sort: Sort
    name: str
    """What it is called in a result, if it has no alias; empty for functions."""
    field: Field | None = None
    way: tuple[str, ...] = ()
    """The relationships it is reached by."""
    aggregate: bool = False

    def filtered(self) -> Known:
        """The same, if it may be filtered, sorted and grouped by.

        Raises:
            SoqlError: it may not.
        """
        if self.sort == "textarea" and not self.aggregate:
            raise SoqlError(
                "INVALID_FIELD",
                f"field '{self.name}' can not be filtered, sorted or grouped by in a query call; "
                "it is long text: search it by FIND",
            )
        return self


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


class Scope:
    """What can be said over one object.

    Args:
        catalog: All objects.
        table: The one in FROM.
        alias: Its name in the query, if it has one.
        numbers: Gives each table of the whole statement its own name.
    """

    def __init__(self, catalog: Catalog, table: Table, alias: str | None, numbers: Iterator[int]) -> None:
        self.catalog = catalog
        self.table = table
        self._names = {name.lower() for name in (alias, table.name) if name}
        self._numbers = numbers
        self.base = f"t{next(numbers)}"
        self._joined: dict[tuple[str, ...], tuple[str, Table]] = {(): (self.base, table)}
        self._joins: list[str] = []

    @property
    def source(self) -> str:
        """What stands after FROM, once all terms were looked up."""
        return " ".join([f"{quoted(self.table.name)} AS {self.base}", *self._joins])

    def known(self, term: Term) -> Known:
        """A term in SQL.

        Raises:
            SoqlError: there is no such field or function, or it does not go together.
        """
        return self.path(term) if isinstance(term, Path) else self._called(term)

    def path(self, path: Path) -> Known:
        """A field in SQL, with what it needs joined."""
        parts = list(path.parts)
        if len(parts) > 1 and parts[0].lower() in self._names and parts[0].lower() not in self.table.parents:
            del parts[0]
        if len(parts) > MOST_HOPS + 1:
            raise malformed(f"a path goes over at most {MOST_HOPS} relationships: {'.'.join(parts)[:120]}")
        way: tuple[str, ...] = ()
        for relationship in parts[:-1]:
            way = self._join(way, relationship)
        alias, table = self._joined[tuple(part.lower() for part in way)]
        field = table.field(parts[-1])
        return Known(f"{alias}.{quoted(field.name)}", field.sort, field.name, field, way)

    def _join(self, way: tuple[str, ...], relationship: str) -> tuple[str, ...]:
        alias, table = self._joined[tuple(part.lower() for part in way)]
        field, target = self.catalog.parent(table, relationship)
        longer = (*way, field.relationship or relationship)
        key = tuple(part.lower() for part in longer)
        if key not in self._joined:
            other = f"t{next(self._numbers)}"
            self._joined[key] = (other, target)
            self._joins.append(
                f'LEFT JOIN {quoted(target.name)} AS {other} ON {other}."Id" = {alias}.{quoted(field.name)}'
            )
        return longer

    def _called(self, call: Call) -> Known:
        name = call.name
        if call.path is None:
            if name != "COUNT":
                raise malformed(f"the function {name[:40]} needs a field")
            return Known("COUNT(*)", "number", "", aggregate=True)
        inner = self.path(call.path)
        if name in AGGREGATES:
            return _aggregate(name, inner)
        if name in _OF_DATES:
            if inner.sort != "datetime" and (name in _OF_MOMENTS or inner.sort != "date"):
                wanted = "dateTime" if name in _OF_MOMENTS else "date or dateTime"
                raise SoqlError("INVALID_FIELD", f"{name} needs a field of type {wanted}, not {inner.name}")
            sql, sort = _OF_DATES[name]
            return Known(sql.format(inner.sql), sort, "")
        if name in ("TOLABEL", "FORMAT", "CONVERTCURRENCY"):
            return inner
        raise malformed(f"the function {name[:40]} is not supported")


def _aggregate(name: str, inner: Known) -> Known:
    if name in ("SUM", "AVG") and inner.sort != "number":
        raise SoqlError("INVALID_FIELD", f"{name} needs a number, not {inner.name}")
    if inner.sort in ("textarea", "boolean") and name not in ("COUNT",):
        raise malformed(f"field {inner.name} does not support aggregate operator {name}")
    if name == "COUNT_DISTINCT":
        return Known(f"COUNT(DISTINCT {inner.sql})", "number", "", aggregate=True)
    sort: Sort = "number" if name in ("COUNT", "SUM", "AVG") else inner.sort
    return Known(f"{name}({inner.sql})", sort, "", aggregate=True)
