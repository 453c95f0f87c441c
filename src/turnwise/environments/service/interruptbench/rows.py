"""The rows: an errand, how it is told at first, and what is changed about it; and the published rows."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from turnwise.agents.users.interruption import Change
from turnwise.errors import ConfigError, TaskError
from turnwise.task import Task
from turnwise.wire import Record

Scenario: TypeAlias = Literal["1update", "2update", "2modification", "1retraction", "2retraction", "3mixed"]
KINDS: dict[Scenario, tuple[Change, ...]] = {
    "1update": ("addition",),
    "2update": ("addition", "addition"),
    "2modification": ("revision", "revision"),
    "1retraction": ("retraction",),
    "2retraction": ("retraction", "retraction"),
    "3mixed": ("addition", "revision", "retraction"),
}


class Step(Record, frozen=True, kw_only=True):
    """One change to an errand."""

    kind: Change
    text: str
    item: str
    """What is added, wanted instead, or not wanted."""
    instead_of: str | None = None
    """What a revision replaces."""


class Errand(Task, frozen=True, kw_only=True):
    """Things to fetch, told in part or wrongly at first.

    Raises:
        TaskError: an interruption before the beginning, or after updates that are not there.
    """

    seed: int
    """Of the street."""
    scenario: Scenario
    wanted: tuple[str, ...]
    """What must be in the basket in the end."""
    only: bool
    """Whether nothing else may be."""
    initial: tuple[str, ...]
    """What is asked for at first."""
    updates: tuple[Step, ...]
    prefix: tuple[str, ...] = ()
    """Actions of an earlier run, which are replayed before the interruption."""
    at: int | None = None
    """After how many actions to interrupt; None leaves it to the setting."""
    told: tuple[int, ...] = ()
    """The points at which updates came in earlier stages; their texts are part of the errand by now."""
    brings: int | None = None
    """How many of the updates that are left come at once; all by default."""

    def __post_init__(self) -> None:
        if (self.at is not None and self.at < 0) or len(self.told) > len(self.updates):
            raise TaskError(
                f"interruptbench task {self.id!r}: expected at >= 0 and no more points told than the "
                f"{len(self.updates)} updates, got at={self.at} and {len(self.told)} points"
            )


class Published(Record, frozen=True, kw_only=True):
    """A row of the published files."""

    task_id: int
    intent: str
    """The original intent, by which success is judged."""
    transformed_initial_intent: str
    """What the agent is asked at first."""
    updates: tuple[str, ...]
    updates_type: tuple[Literal["addition", "modification", "retraction"], ...] = ()
    """In `3mixed`: what kind each update is."""


def published(path: str | Path) -> list[Published]:
    """The rows of one of the published files (`Eval/interrupt_config/raw/*.json`).

    Raises:
        ConfigError: the file cannot be read.
        TaskError: it is no list of such rows; names the file and the field.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the rows {path}: {error.strerror}") from None
    try:
        rows = msgspec.json.decode(data, type=list[Published])
    except msgspec.DecodeError as error:
        raise TaskError(f"{path}: {str(error)[0].lower()}{str(error)[1:]}") from None
    for row in rows:
        if row.updates_type and len(row.updates_type) != len(row.updates):
            raise TaskError(
                f"{path}: task {row.task_id} has {len(row.updates)} updates and {len(row.updates_type)} types"
            )
    return rows
