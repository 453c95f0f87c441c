"""Reads the published files of VitaBench (MIT, github.com/meituan-longcat/vitabench): the English tasks."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from turnwise import data
from turnwise.environments.service.vitabench.rows import Domain, VitaTask
from turnwise.errors import TaskError


def tasks(domain: Domain) -> tuple[VitaTask, ...]:
    """The tasks of a domain, in the file's order.

    Raises:
        ConfigError: the file is not there.
        TaskError: naming the file, and the task that cannot be read.
    """
    return _tasks(data.path(f"vitabench/{domain}_tasks_en.json"), os.environ.get("TURNWISE_DATA"))


@lru_cache(maxsize=4)
def _tasks(path: Path, root: str | None) -> tuple[VitaTask, ...]:
    try:
        rows = msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise TaskError(f"{path}: expected a list of tasks: {error}") from None
    return tuple(task_of(row, f"{path}: task {row.get('id')}") for row in rows)


def task_of(row: dict[str, Any], where: str = "VitaBench task") -> VitaTask:
    """A task of one published row.

    Args:
        row: As published.
        where: How errors call it.

    Raises:
        TaskError: a field is missing or of another kind, or the conversation has begun already.
    """
    if row.get("message_history"):
        raise TaskError(f"{where}: a conversation that has begun already is not supported here")
    try:
        return msgspec.convert(row, VitaTask)
    except msgspec.ValidationError as error:
        raise TaskError(f"{where}: {error}") from None
