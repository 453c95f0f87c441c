"""PostgreSQL's statements, one by one: a semicolon counts outside of quotes, comments and dollar quotes."""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""
      (?P<skip> --[^\n]*
        | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)            # escapes by backslash
        | '(?:[^']|'')*(?:'|\Z)
        | "(?:[^"]|"")*(?:"|\Z)
        | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
        | \w[\w$]*                                    # so that a$b$ opens no quote
      )
    | (?P<comment> /\* )
    | (?P<end> ; )
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


def split(sql: str) -> list[str]:
    """The statements of a script, without what is empty but for comments."""
    found: list[str] = []
    start = place = 0
    holds = False
    while place < len(sql):
        match = _PIECE.match(sql, place)
        assert match is not None
        place = match.end()
        if match["comment"]:
            place = _after_comment(sql, place)
        elif match["end"]:
            if holds:
                found.append(sql[start : match.start()].strip())
            start, holds = place, False
        elif not match[0].startswith("--") and not match[0].isspace():
            holds = True
    if holds:
        found.append(sql[start:].strip())
    return found


def first_word(statement: str) -> str:
    """Its first word in capitals; comments before it are passed over."""
    place = 0
    while match := re.compile(r"\s+|--[^\n]*|/\*").match(statement, place):
        place = _after_comment(statement, match.end()) if match[0] == "/*" else match.end()
    word = re.compile(r"\w+").match(statement, place)
    return "" if word is None else word[0].upper()


def _after_comment(sql: str, place: int) -> int:
    """Behind a comment that was opened before `place`; they nest."""
    depth = 1
    while depth and (mark := _COMMENT.search(sql, place)):
        depth += 1 if mark[0] == "/*" else -1
        place = mark.end()
    return len(sql) if depth else place
