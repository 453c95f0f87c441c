"""Conditions as SQL that is true or false, and never unknown.

As in Salesforce, texts are compared in any case, `!=` and NOT IN hold of what is empty, a boolean that is
empty is false, and a field is compared only with values of its own kind: dates and numbers stand without
quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeAlias

from turnwise.environments.service.crmarena_pro.soql import dates
from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError, malformed
from turnwise.environments.service.crmarena_pro.soql.scope import Known, Scope, literal
from turnwise.environments.service.crmarena_pro.soql.tree import (
    Comparison,
    Condition,
    Day,
    Moment,
    Not,
    Null,
    Number,
    Query,
    Several,
    Span,
    Text,
    Truth,
    Value,
)

Inner: TypeAlias = Callable[[Query], str]
"""Makes SQL of a query within a condition."""
MOST_PATTERN = 500
"""Longest pattern of LIKE."""
_WANTED = {
    "id": "ID",
    "string": "string",
    "textarea": "textarea",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "datetime": "dateTime",
}


class Where:
    """The conditions of one query.

    Args:
        scope: Its FROM.
        today: What dates by name are counted from.
        inner: Makes SQL of queries within.
        aggregates: Whether functions over groups may stand in it (HAVING).
    """

    def __init__(self, scope: Scope, today: date, inner: Inner, *, aggregates: bool = False) -> None:
        self.scope = scope
        self.today = today
        self.inner = inner
        self.aggregates = aggregates

    def sql(self, condition: Condition) -> str:
        """A condition.

        Raises:
            SoqlError: it asks for what there is not, or compares what cannot be compared.
        """
        if isinstance(condition, Not):
            return f"(NOT {self.sql(condition.inner)})"
        if isinstance(condition, Comparison):
            return self._comparison(condition)
        return "(" + f" {condition.word} ".join(self.sql(part) for part in condition.parts) + ")"

    def _comparison(self, one: Comparison) -> str:
        known = self.scope.known(one.term).filtered()
        if known.aggregate and not self.aggregates:
            raise malformed("functions over groups stand in HAVING, not in WHERE")
        value, operator = one.value, one.operator
        if isinstance(value, Query):
            if known.sort != "id":
                raise malformed(f"a query within IN needs an ID field, not '{known.name}'")
            found = f"IFNULL({known.sql} IN ({self.inner(value)}), 0)"
            return found if operator == "IN" else f"(NOT {found})"
        if isinstance(value, Several):
            found = " OR ".join(self._one(known, "=", each) for each in value.values)
            return f"({found})" if operator == "IN" else f"(NOT ({found}))"
        return self._one(known, operator, value)

    def _one(self, known: Known, operator: str, value: Value) -> str:
        """One term against one value."""
        if isinstance(value, Null):
            return self._empty(known, operator)
        if isinstance(value, Span):
            return self._spanned(known, operator, value)
        right = self._literal(known, operator, value)
        left = f"IFNULL({known.sql}, 0)" if known.sort == "boolean" else known.sql
        if isinstance(value, Text) and known.sort == "id" and len(value.value) == 15:
            left = f"substr({left}, 1, 15)"
        if operator == "LIKE":
            return f"IFNULL({left} LIKE {right} ESCAPE '\\', 0)"
        fold = " COLLATE NOCASE" if known.sort in ("string", "textarea") else ""
        if operator == "!=":
            return f"(NOT IFNULL({left} = {right}{fold}, 0))"
        return f"IFNULL({left} {operator} {right}{fold}, 0)"

    def _empty(self, known: Known, operator: str) -> str:
        if operator not in ("=", "!="):
            raise malformed(f"null is compared by = and !=, not by {operator}")
        if known.sort == "boolean":
            return f"(IFNULL({known.sql}, 0) {operator} 0)"
        empty = (
            f"{known.sql} IS NULL" if known.sort in ("number", "boolean") else f"IFNULL({known.sql}, '') = ''"
        )
        return f"({empty})" if operator == "=" else f"(NOT ({empty}))"

    def _spanned(self, known: Known, operator: str, value: Span) -> str:
        if known.sort not in ("date", "datetime"):
            raise _mismatch(known, value.name)
        first, after = dates.span(value.name, value.number, self.today)
        tail = "T00:00:00.000+0000" if known.sort == "datetime" else ""
        start, end = literal(f"{first}{tail}"), literal(f"{after}{tail}")
        within = f"IFNULL({known.sql} >= {start} AND {known.sql} < {end}, 0)"
        if operator in ("=", "!="):
            return within if operator == "=" else f"(NOT {within})"
        if operator == "LIKE":
            raise malformed("LIKE compares texts")
        bound = {"<": f"< {start}", ">=": f">= {start}", ">": f">= {end}", "<=": f"< {end}"}[operator]
        return f"IFNULL({known.sql} {bound}, 0)"

    def _literal(self, known: Known, operator: str, value: Value) -> str:
        """A value in SQL, of the term's kind."""
        sort = known.sort
        if operator == "LIKE":
            if not isinstance(value, Text) or sort not in ("string", "id"):
                raise malformed(f"LIKE compares text fields with texts in quotes, not '{known.name}'")
            if len(value.value) > MOST_PATTERN:
                raise malformed(f"a pattern has at most {MOST_PATTERN} characters, not {len(value.value)}")
            return literal(value.value)
        if isinstance(value, Text) and sort in ("string", "id", "textarea"):
            return literal(value.value)
        if isinstance(value, Number) and sort == "number":
            return value.value
        if isinstance(value, Truth) and sort == "boolean":
            return str(int(value.value))
        if (isinstance(value, Day) and sort == "date") or (isinstance(value, Moment) and sort == "datetime"):
            return literal(value.value)
        raise _mismatch(known, getattr(value, "value", value))


def _mismatch(known: Known, value: object) -> SoqlError:
    quotes = "should be" if known.sort in ("string", "id", "textarea") else "should not be"
    form = {"date": ", as in 2025-01-31", "datetime": ", as in 2025-01-31T00:00:00Z"}.get(known.sort, "")
    return SoqlError(
        "INVALID_FIELD",
        f"value of filter criterion for field '{known.name}' must be of type {_WANTED[known.sort]} and "
        f"{quotes} enclosed in quotes{form}: {str(value)[:60]}",
    )
