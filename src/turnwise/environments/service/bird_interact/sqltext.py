"""SQL as text: what both sides of a comparison lose, and its cut into clauses.

All of it goes by tokens, so that quotes and comments are never mistaken for SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["space", "comment", "quoted", "word", "mark"]

_TOKEN = re.compile(
    r"""
      (?P<space> \s+ )
    | (?P<comment> --[^\n]* | /\*(?:[^*]|\*(?!/))*(?:\*/|\Z) )
    | (?P<quoted> [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z) | '(?:[^']|'')*(?:'|\Z) | "(?:[^"]|"")*(?:"|\Z)
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z) )
    | (?P<word> \w[\w$]* )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_CLAUSES = frozenset(("SELECT", "FROM", "WHERE", "HAVING", "LIMIT", "OFFSET", "JOIN"))
_BY = frozenset(("GROUP", "ORDER"))


class Token(NamedTuple):
    """A piece of SQL."""

    kind: Kind
    text: str
    at: int

    @property
    def word(self) -> str:
        """A word in capitals; empty for anything else."""
        return self.text.upper() if self.kind == "word" else ""


class Segment(NamedTuple):
    """A clause and its text, up to where the next one begins."""

    clause: str
    text: str


def tokens(sql: str) -> Iterator[Token]:
    """All tokens; joined they are the SQL again."""
    for found in _TOKEN.finditer(sql):
        kind: Kind = next(
            kind for kind in ("space", "comment", "quoted", "word", "mark") if found[kind] is not None
        )
        yield Token(kind, found[0], found.start())


def segments(sql: str) -> list[Segment]:
    """The clauses of a script in order, those of subqueries too; what stands before the first is left out.

    SQL without any of the clauses is one segment `STATEMENT`.
    """
    read = [token for token in tokens(sql) if token.kind not in ("space", "comment")]
    starts: list[tuple[int, str]] = []
    for number, token in enumerate(read):
        following = read[number + 1].word if number + 1 < len(read) else ""
        if token.word in _CLAUSES:
            starts.append((token.at, token.word))
        elif token.word in _BY and following == "BY":
            starts.append((token.at, f"{token.word} BY"))
    if not starts:
        return [Segment("STATEMENT", sql.strip())] if sql.strip() else []
    ends = [at for at, _ in starts[1:]] + [len(sql)]
    return [Segment(name, sql[at:end].strip()) for (at, name), end in zip(starts, ends, strict=True)]


def plain(sql: str) -> str:
    """SQL without what is not compared: comments, DISTINCT of a SELECT, ROUND."""
    return without_round(without_distinct(without_comments(sql)))


def without_comments(sql: str) -> str:
    """SQL without comments."""
    return "".join(" " if token.kind == "comment" else token.text for token in tokens(sql)).strip()


def without_distinct(sql: str) -> str:
    """SQL without the DISTINCT that follows a SELECT; `COUNT(DISTINCT x)` and `DISTINCT ON` stay."""
    read = list(tokens(sql))
    solid = [number for number, token in enumerate(read) if token.kind not in ("space", "comment")]
    dropped: set[int] = set()
    for place, number in enumerate(solid):
        before = read[solid[place - 1]].word if place else ""
        after = read[solid[place + 1]].word if place + 1 < len(solid) else ""
        if read[number].word == "DISTINCT" and before == "SELECT" and after != "ON":
            dropped.add(number)
    return "".join(token.text for number, token in enumerate(read) if number not in dropped)


def without_round(sql: str) -> str:
    """SQL in which `ROUND(x, n)` is `(x)`, inner ones too; what is not closed stays as it is."""
    read = list(tokens(sql))
    said = [token.text for token in read]
    for number, token in enumerate(read):
        if token.word != "ROUND":
            continue
        opened = number + 1
        while opened < len(read) and read[opened].kind == "space":
            opened += 1
        if opened == len(read) or read[opened].text != "(":
            continue
        ends = _ends(read, opened)
        if ends is None:
            continue
        comma, closed = ends
        said[number] = ""
        for place in range(comma, closed):
            said[place] = ""
    return "".join(said)


def _ends(read: list[Token], opened: int) -> tuple[int, int] | None:
    """Where the first argument of a call ends, and its closing bracket stands."""
    depth, comma = 0, None
    for place in range(opened, len(read)):
        mark = read[place].text if read[place].kind == "mark" else ""
        if mark == "(":
            depth += 1
        elif mark == ")":
            depth -= 1
            if depth == 0:
                return (place if comma is None else comma), place
        elif mark == "," and depth == 1 and comma is None:
            comma = place
    return None
