"""Whether two results are the same, as the published default test has it.

Dates count by their day, numbers to two places (halves away from zero), objects and lists as sorted JSON.
Rows are compared as a set, or in order where that is asked for; an empty result equals nothing, not even
another one.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, cast

import msgspec

from turnwise.tools.sql import Result

_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?")
_CENT = Decimal("0.01")


def same(one: Result, other: Result, *, ordered: bool = False) -> bool:
    """Whether two queries gave the same, and anything at all."""
    if one.error is not None or other.error is not None or one.cut or other.cut:
        return False
    return bool(one.rows) and bool(other.rows) and alike(one, other, ordered=ordered)


def alike(one: Result, other: Result, *, ordered: bool = False) -> bool:
    """Whether two results hold the same rows, be it none."""
    mine, others = normal(one.rows), normal(other.rows)
    return mine == others if ordered else set(mine) == set(others)


def apart(one: Result, other: Result) -> str:
    """How the first result is not the second, in a line; of two that are not the same."""
    for found, whose in ((one, "it"), (other, "the reference")):
        if found.error is not None:
            return f"{whose} does not run: {found.error}"
        if found.cut:
            return f"{whose} gives more rows than are compared"
        if not found.rows:
            return f"{whose} gives no rows"
    mine, others = normal(one.rows), normal(other.rows)
    there, wanted = set(mine), set(others)
    missing = [row for row in others if row not in there]
    extra = [row for row in mine if row not in wanted]
    told = [
        f"rows {what}: {len(rows)}, such as {_shown(rows[0])}"
        for rows, what in ((missing, "missing"), (extra, "too many"))
        if rows
    ]
    return "; ".join(told) or "the rows are those of the reference, in another order or number"


def _shown(row: Sequence[Any]) -> str:
    text = ", ".join(map(str, row))
    return f"({text if len(text) <= 80 else f'{text[:79]}…'})"


def normal(rows: Sequence[Sequence[Any]]) -> list[tuple[Hashable, ...]]:
    """Rows as they are compared."""
    return [tuple(_normal(value) for value in row) for row in rows]


def _normal(value: Any) -> Hashable:
    value = _rounded(value)
    if isinstance(value, str):
        moment = _MOMENT.fullmatch(value)
        return moment[1] if moment else value
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value, order="deterministic").decode()
    return value


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        # `plain` results hold no infinities; by the digits that are shown, as of a decimal.
        return (
            float(Decimal(repr(value)).quantize(_CENT, rounding=ROUND_HALF_UP))
            if abs(value) < 1e15
            else value
        )
    if isinstance(value, list):
        return [_rounded(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in cast("dict[str, Any]", value).items()}
    return value
