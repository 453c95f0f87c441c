"""A query as tokens."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.service.crmarena_pro.soql.errors import malformed

Kind: TypeAlias = Literal["name", "text", "number", "day", "moment", "mark", "end"]
MOST_SIGNS = 20_000
"""Longest query, as in Salesforce's interface for GET requests."""
MOST_TEXT = 4_000
"""Longest quoted text."""

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<moment>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2}))"
    r"|(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9T]))"
    r"|(?P<number>[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?![0-9A-Za-z_]))"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]{0,79}(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]{0,79}){0,20}(?![A-Za-z0-9_]))"
    r"|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<mark><=|>=|!=|<>|[=<>(),:*])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "'": "'", '"': '"', "\\": "\\"}


class Token(NamedTuple):
    """One token."""

    kind: Kind
    value: str
    place: int

    @property
    def shown(self) -> str:
        """As an error shows it."""
        return "<EOF>" if self.kind == "end" else self.value[:40]


def tokens(query: str) -> list[Token]:
    """All tokens of a query, ended by one of the kind `end`.

    Raises:
        SoqlError: something in it is no token.
    """
    if len(query) > MOST_SIGNS:
        raise malformed(f"the query has {len(query):,} characters, at most {MOST_SIGNS:,} are allowed")
    if "\0" in query or any("\ud800" <= sign <= "\udfff" for sign in query):
        raise malformed("the query holds characters that are no text")
    found: list[Token] = []
    place = 0
    while place < len(query):
        match = _TOKEN.match(query, place)
        if match is None:
            raise malformed(f"unexpected token: {_told(query[place:])} at column {place + 1}")
        kind = match.lastgroup
        if kind != "space":
            found.append(Token(kind, _value(kind, match[0]), place))  # pyright: ignore[reportArgumentType]
        place = match.end()
    return [*found, Token("end", "", place)]


def _told(rest: str) -> str:
    if rest[0] == '"':
        return "'\"' (texts stand in single quotes)"
    if rest[0] == "'":
        return "a text that does not end"
    return repr(rest.split(maxsplit=1)[0][:20])


def _value(kind: str | None, text: str) -> str:
    if kind == "name":
        return re.sub(r"\s+", "", text)
    if kind != "text":
        return text
    if len(text) > MOST_TEXT:
        raise malformed(f"a text has {len(text):,} characters, at most {MOST_TEXT:,} are allowed")
    # What LIKE gives a meaning stays escaped, for it to see.
    return _ESCAPE.sub(lambda one: _ESCAPES.get(one[1], one[0]), text[1:-1])
