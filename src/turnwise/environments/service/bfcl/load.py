"""Reads BFCL's published multi-turn entries (Apache-2.0, github.com/ShishirPatil/gorilla).

In `TURNWISE_DATA/bfcl/`: `BFCL_v4_multi_turn_CATEGORY.json` and the same in `possible_answer/`, one JSON
object a line, 200 in each category; beside them `func_source_code/`, where the APIs' tables are (`facts.py`),
and for `code=published` also `multi_turn_func_doc/`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from turnwise import data
from turnwise.environments.parts.asks import MORE_TOOLS, Ask
from turnwise.environments.service.bfcl.rows import BfclTask, Category
from turnwise.errors import TaskError
from turnwise.wire import Record


class _Said(Record, frozen=True, kw_only=True):
    role: str
    content: str


class _Row(Record, frozen=True, kw_only=True):
    id: str
    question: list[list[_Said]]
    involved_classes: tuple[str, ...]
    initial_config: dict[str, dict[str, Any]] = {}
    missed_function: dict[str, list[str]] = {}
    path: list[str] = []
    excluded_function: list[str] = []


class _Answer(Record, frozen=True, kw_only=True):
    id: str
    ground_truth: list[list[str]]


def tasks(category: Category) -> tuple[BfclTask, ...]:
    """The entries of a category, in the file's order.

    Raises:
        ConfigError: a file is not there.
        TaskError: naming the file and the line, or the entry, that cannot be read.
    """
    name = f"BFCL_v4_multi_turn_{category}.json"
    return _tasks(data.path(f"bfcl/{name}"), data.path(f"bfcl/possible_answer/{name}"), category)


@lru_cache(maxsize=8)
def _tasks(entries: Path, answers: Path, category: Category) -> tuple[BfclTask, ...]:
    known = {answer.id: answer.ground_truth for answer in _lines(answers, _Answer)}
    made: list[BfclTask] = []
    for row in _lines(entries, _Row):
        if len(known.get(row.id, ())) != len(row.question):
            raise TaskError(f"{answers}: expected {len(row.question)} turns of calls for {row.id!r}")
        made.append(task(row, known[row.id], category))
    return tuple(made)


def task(row: _Row, calls: list[list[str]], category: Category) -> BfclTask:
    """An entry of its row and its reference calls."""
    asks = tuple(
        Ask(
            says="\n".join(one.content for one in said) if said else MORE_TOOLS,
            calls=tuple(wanted),
            gives=tuple(row.missed_function.get(str(turn), ())),
        )
        for turn, (said, wanted) in enumerate(zip(row.question, calls, strict=True))
    )
    meta = {"path": row.path, "excluded_function": row.excluded_function}
    return BfclTask(
        id=row.id,
        category=category,
        asks=asks,
        apis=row.involved_classes,
        config=row.initial_config,
        meta={name: value for name, value in meta.items() if value},
    )


def _lines(path: Path, kind: type[Any]) -> list[Any]:
    made: list[Any] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                made.append(msgspec.json.decode(line, type=kind))
            except msgspec.MsgspecError as error:
                raise TaskError(f"{path}:{number}: no row of BFCL: {error}") from None
    return made
