"""Which database a world is played on: SQLite, or PostgreSQL on the server that `TURNWISE_POSTGRES` names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Literal, TypeAlias

from turnwise.environments.service.bird_interact.knowledge import World
from turnwise.errors import ConfigError
from turnwise.tools.sql import Engine, Postgres, Sqlite, SqlLimits

Backend: TypeAlias = Literal["sqlite", "postgres"]
SERVER = "TURNWISE_POSTGRES"
READING = SqlLimits(rows=100, cell_chars=100)
"""What a query of the agent's may use, as published."""
TESTING = SqlLimits(seconds=60, rows=10_000, cell_chars=100_000)
"""What a submission and its tests may use."""


def engine(world: World, backend: Backend) -> Engine:
    """What makes copies of a world's database; one for a process.

    Raises:
        ConfigError: no server is named, or the database cannot be had there.
    """
    place = ""
    if backend == "postgres":
        place = server()
        if world.path:
            raise ConfigError(f"bird_interact: the database {world.name!r} is SQLite's: set backend=sqlite")
    elif world.template:
        raise ConfigError(f"bird_interact: the database {world.name!r} is PostgreSQL's: set backend=postgres")
    return _engine(world.script or None, world.path or None, world.template or None, place)


def server() -> str:
    """The URL of the server.

    Raises:
        ConfigError: none is named.
    """
    place = os.environ.get(SERVER, "")
    if not place:
        raise ConfigError(
            f"bird_interact: backend=postgres needs a server: set {SERVER} to the URL of a superuser, "
            "such as postgresql://me@localhost:5432/postgres"
        )
    return place


@lru_cache(maxsize=64)
def _engine(script: str | None, path: str | None, template: str | None, server: str) -> Engine:
    if server:
        return Postgres(server, script=script, template=template)
    return Sqlite(path, script=script)
