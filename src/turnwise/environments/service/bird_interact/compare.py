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
