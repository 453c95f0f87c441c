"""Which desk of tools a task is done with."""

from __future__ import annotations

from turnwise.environments.m3tooleval import families, published
from turnwise.environments.m3tooleval.rows import ToolTask
from turnwise.tools.desk import Desk

FAMILIES: dict[str, dict[str, type[Desk]]] = {"sample": families.FAMILIES, "published": published.FAMILIES}
"""By split and name."""


def desk(task: ToolTask) -> Desk:
    """A fresh desk for a task."""
    made = next(known[task.family] for known in FAMILIES.values() if task.family in known)
    return made(**task.world)
