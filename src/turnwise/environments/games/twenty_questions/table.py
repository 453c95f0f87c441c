"""The truth table: 158 objects in 17 categories, and what is true of each (`objects.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from turnwise.environments.parts.guessing import Attribute, Table, Thing


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
