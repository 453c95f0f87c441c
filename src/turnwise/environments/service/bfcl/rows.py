"""Rows of BFCL's multi-turn categories: fixed requests, the calls that meet them, APIs and their state."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from turnwise.environments.parts.asks import Ask
from turnwise.task import Task

Category: TypeAlias = Literal["base", "miss_func", "miss_param", "long_context"]
CATEGORIES: tuple[Category, ...] = ("base", "miss_func", "miss_param", "long_context")


class BfclTask(Task, frozen=True, kw_only=True):
    """One entry."""

    category: Category
    asks: tuple[Ask, ...]
    """Turn by turn."""
    apis: tuple[str, ...]
    """Names of the APIs at hand."""
    config: dict[str, dict[str, Any]] = {}
    """What each API begins with."""
