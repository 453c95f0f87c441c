"""The truth table: 158 objects in 17 categories, and what is true of each (`objects.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


class Attribute(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be asked about."""

    name: str
    ask: str
    """A question that asks for it."""
    words: tuple[str, ...]
    """Phrases by which it is known in any question."""
    negated: tuple[str, ...] = ()
    """Phrases that ask for the opposite."""


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """An object to think of."""

    names: tuple[str, ...]
    """What it is called, its usual name first."""
    category: str
    attributes: frozenset[str]
    """What is true of it, its category among them."""

    @property
    def name(self) -> str:
        """Its usual name."""
        return self.names[0]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All objects and attributes, in the file's order."""

    attributes: dict[str, Attribute]
    things: dict[str, Thing]
    """By usual name."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, in the file's order."""
        return tuple(dict.fromkeys(thing.category for thing in self.things.values()))


@cache
def table() -> Table:
    """The built-in table.

    Raises:
        KeyError: where an object has an attribute that is not declared, or loses one that it has not.
    """
    source = files("turnwise.environments.games.twenty_questions").joinpath("objects.toml")
    raw: dict[str, dict[str, Any]] = tomllib.loads(source.read_text("utf-8"))
    declared = raw.pop("attributes")
    attributes = {
        name: Attribute(
            name=name, ask=one["ask"], words=tuple(one["words"]), negated=tuple(one.get("not", ()))
        )
        for name, one in declared.items()
    }
    things: dict[str, Thing] = {}
    for category, rows in raw.items():
        attributes[category] = Attribute(name=category, ask=rows.pop("ask"), words=tuple(rows.pop("words")))
        shared = rows.pop("all").split()
        for names, own in rows.items():
            thing = _thing(names.split(";"), category, (*shared, category), own.split())
            things[thing.name] = thing
    for thing in things.values():
        for name in thing.attributes:
            attributes[name]
    return Table(attributes=attributes, things=things)


def _thing(names: list[str], category: str, shared: tuple[str, ...], own: list[str]) -> Thing:
    has = set(shared)
    for name in own:
        if name.startswith("-"):
            has.remove(name[1:])
        else:
            has.add(name)
    return Thing(names=tuple(names), category=category, attributes=frozenset(has))
