"""Reads the published rows and what is known of their databases (CC-BY-SA-4.0, huggingface.co/birdsql).

Below `bird_interact/SPLIT/` of `TURNWISE_DATA` are expected, as published: `bird_interact_data.jsonl`
(`mini`: `mini_interact.jsonl`), and for each database `DB/DB_schema.txt`, `DB/DB_column_meaning_base.json`
and `DB/DB_kb.jsonl`; for `mini`, `DB/DB.sqlite`, too. Reference SQL and test cases are not published with the
rows but sent by the authors: put that file beside them as `ground_truth.jsonl`; it is merged in by
`instance_id`.
The databases of `lite` and `full` are had from a server that holds them as `DB_template`, as the official
containers do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise import data
from turnwise.environments.service.bird_interact.knowledge import Entry, World
from turnwise.environments.service.bird_interact.rows import Ambiguity, BirdTask, Masked, Part
from turnwise.errors import TaskError

Row = Mapping[str, Any]
_FILES = {"mini": "mini_interact.jsonl"}
_SENT = ("sol_sql", "test_cases", "external_knowledge")
"""Fields that the authors send."""


def tasks(split: str) -> tuple[BirdTask, ...]:
    """The tasks of a split, in the file's order.

    Raises:
        ConfigError: a file is not there.
        TaskError: naming the file and the task that cannot be read.
    """
    return _tasks(split, os.environ.get("TURNWISE_DATA"))


def world(split: str, name: str) -> World:
    """What is known of a published database.

    Raises:
        ConfigError: a file is not there.
        TaskError: one cannot be read.
    """
    return _world(split, name, os.environ.get("TURNWISE_DATA"))


@lru_cache(maxsize=8)
def _tasks(split: str, root: str | None) -> tuple[BirdTask, ...]:
    path = data.path(f"bird_interact/{split}/{_FILES.get(split, 'bird_interact_data.jsonl')}")
    rows = lines(path)
    sent = path.with_name("ground_truth.jsonl")
    if sent.is_file():
        rows = merged(rows, lines(sent))
    return tuple(task(row) for row in rows)


@lru_cache(maxsize=64)
def _world(split: str, name: str, root: str | None) -> World:
    folder = f"bird_interact/{split}/{name}/{name}"
    meanings = data.path(f"{folder}_column_meaning_base.json")
    try:
        raw = msgspec.json.decode(meanings.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise TaskError(f"{meanings}: expected a JSON object of meanings: {error}") from None
    return World(
        name=name,
        schema=data.path(f"{folder}_schema.txt").read_text(encoding="utf-8"),
        columns={_column(key): _meaning(value) for key, value in raw.items()},
        entries=tuple(entry(row) for row in lines(data.path(f"{folder}_kb.jsonl"))),
        path=str(data.path(f"{folder}.sqlite")) if split == "mini" else "",
        template="" if split == "mini" else f"{name}_template",
    )


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON Lines file.

    Raises:
        TaskError: naming the line that is no JSON object.
    """
    found: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=dict[str, Any]))
            except msgspec.MsgspecError as error:
                raise TaskError(f"{path}:{number}: expected a JSON object: {error}") from None
    return found


def merged(rows: Iterable[Row], sent: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows with the fields that the authors send, by `instance_id`."""
    by_id = {str(row.get("instance_id")): row for row in sent}
    found: list[dict[str, Any]] = []
    for row in rows:
        more = by_id.get(str(row.get("instance_id")), {})
        whole = {**row, **{field: more[field] for field in _SENT if field in more}}
        after = more.get("follow_up")
        if isinstance(after, dict):
            given = cast("dict[str, Any]", after)
            whole["follow_up"] = {
                **(row.get("follow_up") or {}),
                **{field: given[field] for field in _SENT if field in given},
            }
        found.append(whole)
    return found


def task(row: Row) -> BirdTask:
    """A task of one published row.

    Raises:
        TaskError: naming the task and the field that is missing.
    """
    name = str(row.get("instance_id"))
    try:
        doubts: Row = row.get("user_query_ambiguity") or {}
        others = doubts.get("non_critical_ambiguity") or row.get("non_critical_ambiguity") or ()
        after: Row = row.get("follow_up") or {}
        made = BirdTask(
            id=name,
            database=row["selected_database"],
            first=_part(row, row.get("amb_user_query") or row["query"], row.get("query", "")),
            follow_up=_part(after, after.get("query", "")) if after.get("sol_sql") else None,
            critical=tuple(map(_ambiguity, doubts.get("critical_ambiguity") or ())),
            other=tuple(map(_ambiguity, others)),
            masked=tuple(
                Masked(knowledge=one["deleted_knowledge"], term=str(one.get("term") or ""))
                for one in row.get("knowledge_ambiguity") or ()
                if one.get("deleted_knowledge") is not None
            ),
            preprocess=_texts(row.get("preprocess_sql")),
        )
        # Only what is converted is checked.
        return msgspec.convert(msgspec.to_builtins(made), BirdTask)
    except KeyError as error:
        raise TaskError(f"bird_interact task {name!r}: the field {error} is missing") from None
    except msgspec.ValidationError as error:
        raise TaskError(f"bird_interact task {name!r}: {error}") from None


def entry(row: Row) -> Entry:
    """An entry of a published knowledge base.

    Raises:
        TaskError: a field is missing.
    """
    try:
        children = row.get("children_knowledge")
        return Entry(
            id=row["id"],
            knowledge=row["knowledge"],
            description=str(row.get("description") or ""),
            definition=str(row.get("definition") or ""),
            type=str(row.get("type") or ""),
            children=tuple(cast("list[int]", children)) if isinstance(children, list) else (),
        )
    except KeyError as error:
        raise TaskError(f"bird_interact: an entry of a knowledge base lacks the field {error}") from None


def _part(row: Row, asks: str, clear: str = "") -> Part:
    conditions: Row = row.get("conditions") or {}
    return Part(
        asks=asks,
        clear=clear or asks,
        category="Query" if row.get("category", "Query") == "Query" else "Management",
        sql=_texts(row.get("sol_sql")),
        ordered=bool(conditions.get("order", False)),
        test_cases=tuple(one for one in row.get("test_cases") or () if isinstance(one, str)),
    )


def _ambiguity(row: Row) -> Ambiguity:
    return Ambiguity(term=str(row["term"]), snippet=str(row.get("sql_snippet") or ""))


def _texts(value: Any) -> tuple[str, ...]:
    """One text or several."""
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    return tuple(str(one) for one in value or () if str(one).strip())


def _column(key: str) -> str:
    """`db|table|column` as `table.column`."""
    return ".".join(key.lower().split("|")[1:]) or key.lower()


def _meaning(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
