"""SOSL: words looked for in the texts of several objects.

    FIND {words} [IN ALL|NAME|EMAIL|PHONE|SIDEBAR FIELDS]
    [RETURNING Object(field, … [WHERE …] [ORDER BY …] [LIMIT n]), …] [LIMIT n]

Words are joined by AND (also where nothing stands between them), OR and AND NOT, from left to right or by
parentheses; a phrase stands in quotes; `*` and `?` stand for other letters. A word is found at the beginning
of words, in any case; there is no ranking: records come by object and id. Without RETURNING, it is the ids of
all objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from turnwise.environments.service.crmarena_pro.soql.catalog import Catalog, Field, Table
from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError
from turnwise.environments.service.crmarena_pro.soql.lexer import MOST_SIGNS, tokens
from turnwise.environments.service.crmarena_pro.soql.parser import DEPTH, MOST_ROWS, Reader
from turnwise.environments.service.crmarena_pro.soql.scope import literal, quoted
from turnwise.environments.service.crmarena_pro.soql.translate import Plan, translate
from turnwise.environments.service.crmarena_pro.soql.tree import Condition, Item, Order, Path, Query

MOST_WORDS = 20
MOST_FOUND = 200
"""Records of one object, where no LIMIT is given."""
_FIND = re.compile(r"\s*FIND\s*(?:\{((?:[^{}\\]|\\.)*)\}|'((?:[^'\\]|\\.)*)')(.*)", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r'"(?P<phrase>[^"]*)"?|(?P<mark>[()])|(?P<word>[^\s"()]+)')
_NAMES = frozenset(("name", "firstname", "lastname", "title", "subject", "company"))
_GROUPS: dict[str, Callable[[Field], bool]] = {
    "ALL": lambda field: True,
    "SIDEBAR": lambda field: field.sort == "string",
    "NAME": lambda field: field.name.lower() in _NAMES,
    "EMAIL": lambda field: "email" in field.name.lower(),
    "PHONE": lambda field: "phone" in field.name.lower(),
}


class Search(NamedTuple):
    """What to run for a search: a plan for each object, and how many records there may be in all."""

    plans: tuple[Plan, ...]
    limit: int


class _Returned(NamedTuple):
    """One object of RETURNING."""

    table: str
    fields: tuple[Item, ...] = (Item(Path(("Id",))),)
    where: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None


def is_search(text: str) -> bool:
    """Whether a text begins as a search does."""
    return text.lstrip()[:4].upper() == "FIND"


def search(text: str, catalog: Catalog, today: date) -> Search:
    """A search, as queries to run one after the other.

    Raises:
        SoqlError: it cannot be read, or asks for what there is not.
    """
    if len(text) > MOST_SIGNS:
        raise SoqlError(
            "MALFORMED_SEARCH", f"at most {MOST_SIGNS:,} characters are allowed, not {len(text):,}"
        )
    found = _FIND.fullmatch(text)
    if found is None:
        raise SoqlError("MALFORMED_SEARCH", "expected FIND {words}, then IN … FIELDS, RETURNING …, LIMIT n")
    words = _Words(re.sub(r"\\(.)", r"\1", found[1] if found[1] is not None else found[2]))
    fields, returned, limit = _rest(found[3])
    tables = returned or tuple(_Returned(table.name) for table in catalog.tables)
    plans: list[Plan] = []
    for one in tables:
        table = catalog.table(one.table)
        searched = [field for field in table.searchable if fields(field)]
        if not searched:
            if returned:
                raise SoqlError("MALFORMED_SEARCH", f"{table.name} has no fields of this group to search")
            continue
        query = Query(one.fields, table.name, None, one.where, (), None, one.order, one.limit or MOST_FOUND)
        plans.append(translate(query, catalog, today, also=words.sql(table, searched)))
    return Search(tuple(plans), limit)


def _rest(text: str) -> tuple[Callable[[Field], bool], tuple[_Returned, ...], int]:
    """What follows the words."""
    reader = Reader(tokens(text))
    fields = _GROUPS["ALL"]
    if reader.accept("IN"):
        group = reader.name("ALL, NAME, EMAIL, PHONE or SIDEBAR").upper()
        if group not in _GROUPS:
            raise SoqlError("MALFORMED_SEARCH", f"IN takes {', '.join(_GROUPS)} FIELDS, not {group[:40]}")
        reader.expect("FIELDS")
        fields = _GROUPS[group]
    returned: list[_Returned] = []
    if reader.accept("RETURNING"):
        returned.append(_returned(reader))
        while reader.accept_mark(","):
            returned.append(_returned(reader))
    limit = reader.count() if reader.accept("LIMIT") else MOST_ROWS
    reader.expect_end()
    return fields, tuple(returned), limit


def _returned(reader: Reader) -> _Returned:
    table = reader.name("the name of an object")
    if not reader.accept_mark("("):
        return _Returned(table)
    items = [Item(reader.term())]
    while reader.accept_mark(","):
        items.append(Item(reader.term()))
    where = reader.condition() if reader.accept("WHERE") else None
    order = reader.ordered() if reader.accept("ORDER", "BY") else ()
    limit = reader.count() if reader.accept("LIMIT") else None
    reader.expect_mark(")")
    return _Returned(table, tuple(items), where, order, limit)


class _Words:
    """Between the braces: words and how they are joined, as a condition on a table's texts."""

    def __init__(self, text: str) -> None:
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise SoqlError("MALFORMED_SEARCH", "the words hold characters that are no text")
        self._found = list(_WORD.finditer(text))
        words = sum(one.lastgroup != "mark" for one in self._found)
        if not words or words > MOST_WORDS:
            raise SoqlError(
                "MALFORMED_SEARCH", f"expected 1 to {MOST_WORDS} words in the braces, got {words}"
            )
        if not any(re.search(r"\w", one[0]) for one in self._found):
            raise SoqlError("MALFORMED_SEARCH", "a search needs a letter or a digit")

    def sql(self, table: Table, fields: list[Field]) -> str:
        """The condition, over a table called `t0`."""
        self._columns = [f"t0.{quoted(field.name)}" for field in fields]
        self._at = 0
        self._depth = 0
        sql = self._joined()
        if self._at < len(self._found):
            raise SoqlError("MALFORMED_SEARCH", "a ')' has no '('")
        return sql

    def _next(self) -> str:
        """The next word in capitals; a mark as it is."""
        return self._found[self._at][0].upper() if self._at < len(self._found) else ""

    def _joined(self) -> str:
        sql = self._one()
        while self._at < len(self._found) and self._next() != ")":
            word = self._next()
            self._at += word in ("AND", "OR")
            if word == "AND" and self._next() == "NOT":
                self._at += 1
                word = "AND NOT"
            sql = f"({sql} {word if word in ('OR', 'AND NOT') else 'AND'} {self._one()})"
        return sql

    def _one(self) -> str:
        if self._at >= len(self._found) or self._next() == ")":
            raise SoqlError("MALFORMED_SEARCH", "a word is missing")
        one = self._found[self._at]
        self._at += 1
        if one[0] != "(":
            return self._contains(one["phrase"] if one.lastgroup == "phrase" else one["word"])
        self._depth += 1
        if self._depth > DEPTH:
            raise SoqlError("MALFORMED_SEARCH", f"more than {DEPTH} parentheses within each other")
        sql = self._joined()
        if self._next() != ")":
            raise SoqlError("MALFORMED_SEARCH", "a '(' has no ')'")
        self._at += 1
        self._depth -= 1
        return sql

    def _contains(self, word: str) -> str:
        if len(word) > 200:
            raise SoqlError("MALFORMED_SEARCH", "a word has at most 200 letters")
        pattern = re.sub(r"([%_\\])", r"\\\1", word).replace("*", "%").replace("?", "_")
        starts = [f"{before}{pattern}%" for before in ("% ", "%\n", "%(", "%-", '%"', "%@", "%.")]
        return (
            "("
            + " OR ".join(
                f"{column} LIKE {literal(start)} ESCAPE '\\'"
                for column in self._columns
                for start in (f"{pattern}%", *starts)
            )
            + ")"
        )
