"""Whether what a run is played on is there: said once, before it begins, instead of by each episode."""

from __future__ import annotations

from collections.abc import Iterable

from turnwise.environments.service.bird_interact import published
from turnwise.environments.service.bird_interact.engines import SERVER, Backend, server
from turnwise.environments.service.bird_interact.rows import BirdTask
from turnwise.errors import ConfigError, SandboxError
from turnwise.tools.sql import databases

_NAMED = 3
"""Missing databases that are named."""


def check(split: str, backend: Backend) -> None:
    """Refuse a backend that a split is not played on, or whose server is not there.

    Raises:
        ConfigError: naming what to set.
    """
    if split == "mini" and backend == "postgres":
        raise ConfigError("bird_interact: the databases of split=mini are SQLite's: set backend=sqlite")
    if split in ("lite", "full") and backend == "sqlite":
        raise ConfigError(
            f"bird_interact: the databases of split={split} are PostgreSQL's: set backend=postgres, and "
            f"{SERVER} to the URL of a server that holds each as NAME_template"
        )
    if backend == "postgres":
        _held()


def check_databases(split: str, tasks: Iterable[BirdTask]) -> None:
    """Refuse published tasks whose databases, or what is known of them, are not all there.

    Raises:
        ConfigError: naming what is missing, and where.
        TaskError: what is known of a database cannot be read.
    """
    names = sorted({task.database for task in tasks})
    wanted = {published.world(split, name).template for name in names} - {""}
    missing = sorted(wanted - _held()) if wanted else []
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ConfigError(
            f"bird_interact: the server of {SERVER} has not {', '.join(missing[:_NAMED])}{more}, of the "
            f"{len(wanted)} databases of split={split}: restore them there, as the official containers do"
        )


def _held() -> frozenset[str]:
    """Names of the server's databases."""
    try:
        return databases(server())
    except SandboxError as error:
        raise ConfigError(f"bird_interact: {SERVER}: {error}") from None
