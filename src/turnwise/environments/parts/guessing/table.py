"""Truth tables: things, attributes, and which is true of which."""

from __future__ import annotations

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
    """Something to think of."""

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
    """All things and attributes, in order."""

    attributes: dict[str, Attribute]
    things: dict[str, Thing]
    """By usual name."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories, in the order they come up."""
        return tuple(dict.fromkeys(thing.category for thing in self.things.values()))
