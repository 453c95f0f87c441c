"""What a query can ask for: objects, their fields, and how objects refer to each other.

Names are looked up in any case, as Salesforce does, and kept as they are spelt. A field that refers to
another object gives a relationship (`AccountId` is followed as `Account.Name`, `IssueId__c` as
`IssueId__r.Name`), and the other object one back, in the plural, for queries within queries
(`SELECT (SELECT Id FROM Cases) FROM Account`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Literal, NamedTuple, TypeAlias

from turnwise.environments.service.crmarena_pro.soql.errors import SoqlError
from turnwise.errors import did_you_mean
from turnwise.wire import Record

Sort: TypeAlias = Literal["id", "string", "textarea", "number", "boolean", "date", "datetime"]
"""What a field holds. A `textarea` can be read and searched, but not filtered, sorted or grouped by."""


class Field(Record, frozen=True, kw_only=True):
    """One field of an object."""

    name: str
    sort: Sort = "string"
    note: str = ""
    """What the agent is told of it."""
    to: str | None = None
    """The object it refers to."""

    @property
    def relationship(self) -> str | None:
        """The name by which the record it refers to is reached."""
        if self.to is None:
            return None
        if self.name.endswith("__c"):
            return f"{self.name[:-3]}__r"
        return self.name.removesuffix("Id") or None


class Child(NamedTuple):
    """A relationship to the records that refer to one."""

    table: Table
    field: Field


class Table(Record, frozen=True, kw_only=True, dict=True):
    """One object."""

    name: str
    fields: tuple[Field, ...]
    note: str = ""

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Its fields by name in small letters."""
        return {field.name.lower(): field for field in self.fields}

    @cached_property
    def parents(self) -> dict[str, Field]:
        """Its references by relationship in small letters."""
        return {field.relationship.lower(): field for field in self.fields if field.relationship}

    @property
    def plural(self) -> str:
        """The name of the relationship from what it refers to."""
        custom = self.name.endswith("__c")
        plain = self.name.removesuffix("__c").removesuffix("__kav")
        many = f"{plain[:-1]}ies" if plain.endswith("y") else f"{plain}s"
        return f"{many}__r" if custom else many

    def field(self, name: str) -> Field:
        """The field of a name.

        Raises:
            SoqlError: there is none; with the nearest there are.
        """
        found = self.by_name.get(name.lower())
        if found is None:
            near = did_you_mean(name[:80], [field.name for field in self.fields])
            raise SoqlError("INVALID_FIELD", f"No such column '{name[:80]}' on entity '{self.name}'{near}")
        return found

    @property
    def searchable(self) -> tuple[Field, ...]:
        """The fields a search looks into."""
        return tuple(field for field in self.fields if field.sort in ("string", "textarea"))


class Catalog:
    """All objects of an organisation.

    Args:
        tables: The objects; a reference to one that is not there is kept as a plain id.
    """

    def __init__(self, tables: Iterable[Table]) -> None:
        self.tables = tuple(tables)
        self._by_name = {table.name.lower(): table for table in self.tables}
        self._children: dict[tuple[str, str], Child] = {}
        for table in self.tables:
            for field in table.fields:
                if field.to is not None:
                    self._children.setdefault((field.to.lower(), table.plural.lower()), Child(table, field))

    def table(self, name: str) -> Table:
        """The object of a name.

        Raises:
            SoqlError: there is none; with the nearest there are.
        """
        found = self._by_name.get(name.lower())
        if found is None:
            near = did_you_mean(name[:80], [table.name for table in self.tables])
            raise SoqlError("INVALID_TYPE", f"sObject type '{name[:80]}' is not supported{near}")
        return found

    def parent(self, table: Table, relationship: str) -> tuple[Field, Table]:
        """The reference, and the object that a relationship leads to.

        Raises:
            SoqlError: the object has no such relationship.
        """
        field = table.parents.get(relationship.lower())
        if field is None or field.to is None or field.to.lower() not in self._by_name:
            known = [one.relationship for one in table.parents.values() if one.relationship]
            near = did_you_mean(relationship[:80], known)
            raise SoqlError(
                "INVALID_FIELD",
                f"Didn't understand relationship '{relationship[:80]}' in field path of '{table.name}'{near}",
            )
        return field, self._by_name[field.to.lower()]

    def child(self, table: Table, relationship: str) -> Child:
        """The object that refers to another, by the relationship in the plural.

        Raises:
            SoqlError: there is none of this name.
        """
        found = self._children.get((table.name.lower(), relationship.lower()))
        if found is None:
            known = [
                child.table.plural for (to, _), child in self._children.items() if to == table.name.lower()
            ]
            near = did_you_mean(relationship[:80], known)
            raise SoqlError(
                "INVALID_TYPE",
                f"Didn't understand relationship '{relationship[:80]}' in FROM part of a query within "
                f"'{table.name}'{near}",
            )
        return found
