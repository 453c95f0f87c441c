"""Databases and tasks of our own: a library, a ferry line, greenhouses; eleven tasks each.

Of each, `NAME.toml` holds the schema, what its columns mean, the knowledge base and the tasks; `NAME.py`
makes the rows, the same every time. Their SQL is understood by SQLite and PostgreSQL alike.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from turnwise.environments.service.bird_interact.databases import ferry, greenhouse, library
from turnwise.environments.service.bird_interact.knowledge import Entry, World
from turnwise.environments.service.bird_interact.rows import BirdTask
from turnwise.errors import TaskError, did_you_mean

_TABLES: dict[str, Callable[[random.Random], dict[str, list[tuple[Any, ...]]]]] = {
    "library": library.tables,
    "ferry": ferry.tables,
    "greenhouse": greenhouse.tables,
}
NAMES = tuple(_TABLES)
SHOWN = 3
"""Rows of each table that a schema shows."""


@lru_cache(maxsize=1)
def tasks() -> tuple[BirdTask, ...]:
    """All tasks, database by database."""
    return tuple(
        msgspec.convert({"database": name, **row}, BirdTask) for name in NAMES for row in _file(name)["task"]
    )


@lru_cache(maxsize=len(NAMES))
def world(name: str) -> World:
    """One of the databases, with all that is known of it.

    Raises:
        TaskError: there is none of this name.
    """
    if name not in _TABLES:
        near = did_you_mean(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise TaskError(f"bird_interact: there is no database {name!r}{near}")
    file = _file(name)
    made = _TABLES[name](random.Random(f"bird_interact/{name}"))
    inserts = [
        f"INSERT INTO {table} VALUES\n"
        + ",\n".join(f"({', '.join(map(_literal, row))})" for row in rows)
        + ";"
        for table, rows in made.items()
    ]
    return World(
        name=name,
        schema=_shown(file["schema"], made),
        columns={
            f"{table}.{column}": meaning
            for table, columns in file["columns"].items()
            for column, meaning in columns.items()
        },
        entries=tuple(msgspec.convert(entry, Entry) for entry in file["knowledge"]),
        script="\n".join([file["schema"], *inserts]),
    )


@lru_cache(maxsize=len(NAMES))
def _file(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))


def _shown(schema: str, made: dict[str, list[tuple[Any, ...]]]) -> str:
    """A schema and the first rows of each table."""
    rows = [
        "\n".join([f"First rows of {table}:", *(" | ".join(map(_literal, row)) for row in found[:SHOWN])])
        for table, found in made.items()
    ]
    return "\n\n".join([schema.strip(), *rows])


def _literal(value: Any) -> str:
    """A value as SQL."""
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)
