"""What is known of a database besides its rows: schema, meanings of columns, a knowledge base with masks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec

from turnwise.environments.service.bird_interact.rows import BirdTask
from turnwise.wire import Record


class Entry(Record, frozen=True, kw_only=True):
    """An entry of a knowledge base; of these fields an agent sees the first four."""

    id: int
    knowledge: str
    """Its name."""
    description: str
    definition: str
    type: str = ""
    children: tuple[int, ...] = ()
    """Ids of the entries it is built on."""

    @property
    def visible(self) -> dict[str, Any]:
        """What an agent sees."""
        return {
            "id": self.id,
            "knowledge": self.knowledge,
            "description": self.description,
            "definition": self.definition,
        }


class World(Record, frozen=True, kw_only=True, dict=True):
    """A database and what is known of it."""

    name: str
    schema: str
    """As an agent is shown it: statements, and a few rows of each table."""
    columns: dict[str, str]
    """Meanings, by `table.column` in small letters."""
    entries: tuple[Entry, ...]
    script: str = ""
    """SQL that makes the database, where there is any."""
    path: str = ""
    """SQLite's file, where it is one."""
    template: str = ""
    """PostgreSQL's database to copy, where a server has it."""

    @cached_property
    def by_id(self) -> dict[int, Entry]:
        """The entries."""
        return {entry.id: entry for entry in self.entries}

    def shown(self, task: BirdTask) -> dict[str, Entry]:
        """The entries that a task leaves, by name."""
        masked = {one.knowledge for one in task.masked}
        return {entry.knowledge: entry for entry in self.entries if entry.id not in masked}


def as_json(value: Any) -> str:
    """Readable JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def listed(entries: Iterable[Entry]) -> str:
    """Entries as an agent reads them."""
    return as_json([entry.visible for entry in entries])
