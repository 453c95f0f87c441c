"""SQL cut into its clauses, by which a user may be asked about a part of a query and not show the whole."""

from __future__ import annotations

import re

_WORDS = (
    *("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET"),
    *("LEFT OUTER JOIN", "RIGHT OUTER JOIN", "FULL OUTER JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"),
    *("INNER JOIN", "CROSS JOIN", "JOIN"),
)
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|[()]|"
    + "|".join(rf"\b{word}\b" for word in _WORDS).replace(" ", "[ \\t\\r\\n]+"),
    re.IGNORECASE | re.DOTALL,
)


def clauses(sql: str) -> list[str]:
    """The clauses of a query at its outer level, each with its word; what is in brackets stays whole.

    Strings and comments are passed over. Text without any clause is one piece.
    """
    starts: list[int] = []
    depth = 0
    for found in _TOKEN.finditer(sql):
        sign = found[0]
        if sign == "(":
            depth += 1
        elif sign == ")":
            depth = max(0, depth - 1)
        elif depth == 0 and sign[0] not in "'\"-/":
            starts.append(found.start())
    if not starts:
        return [sql.strip()] if sql.strip() else []
    head = [sql[: starts[0]].strip()]
    ends = [*starts[1:], len(sql)]
    pieces = [*head, *(sql[start:end].strip() for start, end in zip(starts, ends, strict=True))]
    return [piece.rstrip(";").strip() for piece in pieces if piece.rstrip(";").strip()]
