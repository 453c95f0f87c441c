"""A query, translated to SQL of SQLite, and how its rows become records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count
from typing import NamedTuple

from turnwise.environments.service.crmarena_pro.soql.catalog import Catalog, Field, Table
from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError, malformed
from turnwise.environments.service.crmarena_pro.soql.scope import Known, Scope, quoted
from turnwise.environments.service.crmarena_pro.soql.shape import Column, Shape
from turnwise.environments.service.crmarena_pro.soql.tree import (
    AllFields,
    Call,
    Item,
    Order,
    Path,
    Query,
    Term,
)
from turnwise.environments.service.crmarena_pro.soql.where import Where

MOST_OFFSET = 2_000
MOST_ALL = 200
"""Rows that `FIELDS(...)` may give."""
MOST_COLUMNS = 300


class Plan(NamedTuple):
    """What to run, and what to make of it."""

    sql: str
    shape: Shape
    counted: bool = False
    """Whether it is `SELECT COUNT() FROM …`, whose answer is a number, not records."""


def translate(query: Query, catalog: Catalog, today: date, *, also: str = "") -> Plan:
    """The SQL of a query.

    Args:
        query: What is asked for.
        catalog: What there is.
        today: What dates by name are counted from.
        also: A condition in SQL over the object's table, which is called `t0`.

    Raises:
        SoqlError: it asks for what there is not, or for what does not go together.
    """
    translation = _Translation(query, catalog.table(query.table), catalog, today, count())
    sql = translation.sql(also)
    counted = [item.term for item in query.select if isinstance(item, Item)] == [Call("COUNT", None)]
    return Plan(sql, Shape(tuple(translation.columns)), counted)


class _Translation:
    """One query, at the top or within another one's SELECT."""

    def __init__(
        self,
        query: Query,
        table: Table,
        catalog: Catalog,
        today: date,
        numbers: Iterator[int],
        within: bool = False,
    ) -> None:
        self.query = query
        self.catalog = catalog
        self.today = today
        self.numbers = numbers
        self.within = within
        self.scope = Scope(catalog, table, query.alias, numbers)
        self.selected: list[str] = []
        self.columns: list[Column] = []
        self._exists: dict[tuple[str, ...], int] = {}
        terms = [item.term for item in query.select if isinstance(item, Item)]
        self.grouped = bool(query.group) or any(self.scope.known(term).aggregate for term in terms)

    def sql(self, joined: str = "") -> str:
        """The statement; `joined` is a condition besides: what ties a query within to its record."""
        query = self.query
        groups = [self.scope.known(term).filtered() for term in query.group]
        for item in query.select:
            self._select(item, [group.sql for group in groups])
        if len(self.selected) > MOST_COLUMNS:
            raise SoqlError("QUERY_TOO_COMPLICATED", f"more than {MOST_COLUMNS} fields are selected")
        where = [f"({joined})"] if joined else []
        if query.where is not None:
            where.append(self._where().sql(query.where))
        having = self._having()
        order = self._order([group.sql for group in groups])
        selected = [f"{sql} AS c{number}" for number, sql in enumerate(self.selected)]
        parts = [f"SELECT {', '.join(selected)} FROM {self.scope.source}"]
        if where:
            parts.append(f"WHERE {' AND '.join(where)}")
        if groups:
            parts.append(f"GROUP BY {', '.join(group.sql for group in groups)}")
        return " ".join([*parts, *having, *order, *self._bounds()])

    # What is selected ----------------------------------------------------------------------------------

    def _select(self, item: Item | AllFields | Query, groups: list[str]) -> None:
        if isinstance(item, Query):
            self._select_within(item)
        elif isinstance(item, AllFields):
            self._select_all(item)
        else:
            known = self.scope.known(item.term)
            if self.grouped and not known.aggregate and known.sql not in groups:
                raise malformed(f"Field must be grouped or aggregated: {_spelt(item.term)}")
            if item.alias and not self.grouped and isinstance(item.term, Path):
                raise malformed(f"only functions and groups can have an alias: {item.alias[:40]}")
            self._add(known, item)

    def _add(self, known: Known, item: Item) -> None:
        if self.grouped:
            name = item.alias or known.name or self._unnamed()
            self._column(known.sql, Column((name,), known.sort))
            return
        way = (*known.way, item.alias or known.name or _spelt(item.term))
        if any(column.way == way for column in self.columns):
            if isinstance(item.term, Path):
                raise malformed(f"duplicate field selected: {'.'.join(way)}")
            return
        exists = self._existence(known.way) if known.way else None
        self._column(known.sql, Column(way, known.sort, exists=exists))

    def _unnamed(self) -> str:
        """What Salesforce calls a function without an alias."""
        return f"expr{sum(column.way[0].startswith('expr') for column in self.columns if column.way)}"

    def _existence(self, way: tuple[str, ...]) -> int:
        """The place of the related record's id, which says whether there is one."""
        if way not in self._exists:
            self._exists[way] = len(self.selected)
            self._column(self.scope.path(Path((*way, "Id"))).sql, Column(()))
        return self._exists[way]

    def _column(self, sql: str, column: Column) -> None:
        self.selected.append(sql)
        self.columns.append(column)

    def _select_all(self, item: AllFields) -> None:
        limit = self.query.limit
        if self.grouped or limit is None or limit > MOST_ALL:
            raise malformed(f"FIELDS({item.which}) needs a LIMIT of at most {MOST_ALL}, and no groups")
        for field in self.scope.table.fields:
            if item.which == "ALL" or field.name.endswith("__c") == (item.which == "CUSTOM"):
                self._add(self.scope.path(Path((field.name,))), Item(Path((field.name,))))

    def _select_within(self, query: Query) -> None:
        if self.within or self.grouped:
            raise malformed("a query within SELECT stands at the top alone, and not beside groups")
        child = self.catalog.child(self.scope.table, query.table)
        inner = _Translation(query, child.table, self.catalog, self.today, self.numbers, within=True)
        if inner.grouped:
            raise malformed("a query within SELECT has no groups and no functions over them")
        rows = inner.sql(self._tie(inner, child.field))
        names = ", ".join(f"c{number}" for number in range(len(inner.selected)))
        sql = f"(SELECT json_group_array(json_array({names})) FROM ({rows}))"
        self._column(sql, Column((child.table.plural,), inner=Shape(tuple(inner.columns))))

    def _tie(self, inner: _Translation, field: Field) -> str:
        return f'{inner.scope.base}.{quoted(field.name)} = {self.scope.base}."Id"'

    # The rest ------------------------------------------------------------------------------------------

    def _where(self, *, aggregates: bool = False) -> Where:
        return Where(self.scope, self.today, self._semi_join, aggregates=aggregates)

    def _semi_join(self, query: Query) -> str:
        """A query within a condition: one field that is an id."""
        inner = _Translation(query, self.catalog.table(query.table), self.catalog, self.today, self.numbers)
        item = query.select[0]
        if len(query.select) > 1 or not isinstance(item, Item) or inner.grouped:
            raise malformed("a query within IN selects exactly one field, without groups")
        if inner.scope.known(item.term).sort != "id":
            raise malformed("a query within IN selects an ID field")
        if query.order or query.limit is not None or query.offset is not None:
            raise malformed("a query within IN has no ORDER BY, LIMIT or OFFSET")
        rows = inner.sql()
        # The last column: whether a related record exists has no place in IN.
        return f"SELECT c{len(inner.selected) - 1} FROM ({rows})"

    def _having(self) -> list[str]:
        if self.query.having is None:
            return []
        if not self.query.group:
            raise malformed("HAVING needs GROUP BY")
        return [f"HAVING {self._where(aggregates=True).sql(self.query.having)}"]

    def _order(self, groups: list[str]) -> list[str]:
        keys = [self._key(one, groups) for one in self.query.order]
        if not self.grouped:
            keys.append(f'{self.scope.base}."Id"')
        else:
            keys += groups
        return [f"ORDER BY {', '.join(keys)}"] if keys else []

    def _key(self, one: Order, groups: list[str]) -> str:
        known = self._aliased(one.term) or self.scope.known(one.term).filtered()
        if self.grouped and not known.aggregate and known.sql not in groups:
            raise malformed(f"Ordered field must be grouped or aggregated: {_spelt(one.term)}")
        if known.aggregate and not self.grouped:
            raise malformed("ORDER BY a function over groups needs GROUP BY")
        fold = " COLLATE NOCASE" if known.sort == "string" else ""
        way = "DESC" if one.descending else "ASC"
        return f"{known.sql}{fold} {way} NULLS {'LAST' if one.nulls_last else 'FIRST'}"

    def _aliased(self, term: Term) -> Known | None:
        """What an alias stands for, where a term is one."""
        if not isinstance(term, Path):
            return None
        name = ".".join(term.parts).lower()
        for item in self.query.select:
            if isinstance(item, Item) and item.alias and item.alias.lower() == name:
                return self.scope.known(item.term)
        return None

    def _bounds(self) -> list[str]:
        limit, offset = self.query.limit, self.query.offset
        if offset is not None and offset > MOST_OFFSET:
            raise malformed(f"OFFSET is at most {MOST_OFFSET}")
        if limit is None and offset is None:
            return []
        return [f"LIMIT {-1 if limit is None else limit} OFFSET {offset or 0}"]


def _spelt(term: Term) -> str:
    if isinstance(term, Path):
        return ".".join(term.parts)[:120]
    return f"{term.name}({'.'.join(term.path.parts)[:120] if term.path else ''})"
