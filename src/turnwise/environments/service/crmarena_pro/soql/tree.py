"""A query, read: what stands between the parser and the translation."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "IN", "NOT IN"]


class Text(NamedTuple):
    """A quoted text."""

    value: str


class Number(NamedTuple):
    """A number, as it is written."""

    value: str


class Truth(NamedTuple):
    """`true` or `false`."""

    value: bool


class Null(NamedTuple):
    """`null`."""


class Day(NamedTuple):
    """A date, YYYY-MM-DD."""

    value: str


class Moment(NamedTuple):
    """A date and time in UTC, in the form that is stored."""

    value: str


class Span(NamedTuple):
    """A date by name: `LAST_MONTH`, `LAST_N_DAYS:30`."""

    name: str
    number: int | None


Value: TypeAlias = Text | Number | Truth | Null | Day | Moment | Span


class Path(NamedTuple):
    """A field, by way of relationships: `Account.Owner.Name`."""

    parts: tuple[str, ...]


class Call(NamedTuple):
    """A function of a field: `COUNT(Id)`, `CALENDAR_MONTH(CreatedDate)`; `COUNT()` has none."""

    name: str
    path: Path | None


Term: TypeAlias = Path | Call


class Item(NamedTuple):
    """One thing that is selected."""

    term: Term
    alias: str | None = None


class AllFields(NamedTuple):
    """`FIELDS(ALL)`, `FIELDS(STANDARD)`, `FIELDS(CUSTOM)`."""

    which: str


class Several(NamedTuple):
    """Values in parentheses."""

    values: tuple[Value, ...]


class Comparison(NamedTuple):
    """A term against a value, several, or what another query selects."""

    term: Term
    operator: Operator
    value: Value | Several | Query


class Not(NamedTuple):
    """What does not hold."""

    inner: Condition


class Both(NamedTuple):
    """Conditions joined by one word."""

    word: Literal["AND", "OR"]
    parts: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Not | Both


class Order(NamedTuple):
    """One key of a sort."""

    term: Term
    descending: bool = False
    nulls_last: bool = False


class Query(NamedTuple):
    """A whole query."""

    select: tuple[Item | AllFields | Query, ...]
    table: str
    alias: str | None = None
    where: Condition | None = None
    group: tuple[Term, ...] = ()
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
