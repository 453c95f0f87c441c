"""The hundred cities (`cities.toml`): what is true of each, and what is told when somebody asks openly.

Besides what the file declares, one can ask for the country, and for the letters the name begins with.
"""

from __future__ import annotations

import string
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from turnwise.environments.parts.guessing import Attribute, Table, Thing


class City(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a city beyond yes and no."""

    country: str
    language: str
    food: str
    sights: str


class Atlas(msgspec.Struct, frozen=True, kw_only=True):
    """All cities."""

    table: Table
    cities: dict[str, City]
    """By usual name, in the benchmark's order (by size)."""


@cache
def atlas() -> Atlas:
    """The built-in cities.

    Raises:
        KeyError: where a city has an attribute or a country that is not declared.
    """
    source = files("turnwise.environments.lmrl_gym.guess_my_city").joinpath("cities.toml")
    raw: dict[str, dict[str, Any]] = tomllib.loads(source.read_text("utf-8"))
    attributes = {
        name: Attribute(
            name=name, ask=one["ask"], words=tuple(one["words"]), negated=tuple(one.get("not", ()))
        )
        for part in ("attributes", "regions")
        for name, one in raw[part].items()
    }
    for country in raw["countries"]:
        attributes[country] = _country(country)
    attributes |= {f"before_{letter}": _letters(letter) for letter in string.ascii_uppercase[1:]}
    things: dict[str, Thing] = {}
    cities: dict[str, City] = {}
    for names, (country, own, sights) in raw["cities"].items():
        groups, language, food = raw["countries"][country]
        thing = _thing(names.split(";"), country, (*own.split(), *groups.split()))
        for name in thing.attributes:
            attributes[name]
        things[thing.name] = thing
        cities[thing.name] = City(country=country, language=language, food=food, sights=sights)
    return Atlas(table=Table(attributes=attributes, things=things), cities=cities)


def _thing(names: list[str], country: str, own: tuple[str, ...]) -> Thing:
    begins = {f"before_{letter}" for letter in string.ascii_uppercase[1:] if names[0][0] < letter}
    called = (*names, *(f"{name} {country}" for name in names), *(f"{name} in {country}" for name in names))
    return Thing(names=called, category=country, attributes=frozenset({*own, country, *begins}))


def _country(name: str) -> Attribute:
    article = "the " if name in ("USA", "UK", "Philippines") else ""
    words = {"USA": ["usa", "united states"], "UK": ["uk", "united kingdom", "england", "britain"]}
    spelled = {
        "Ethopia": ["ethiopia", "ethopia"],
        "Cote d’Ivorie": ["ivory coast", "ivoire", "cote d ivorie"],
    }
    known = words.get(name) or spelled.get(name) or [name.lower()]
    return Attribute(name=name, ask=f"Is it in {article}{name}?", words=tuple(known))


def _letters(letter: str) -> Attribute:
    """Whether the name begins with a letter before this one."""
    last = chr(ord(letter) - 1).lower()
    return Attribute(
        name=f"before_{letter}",
        ask=f"Does its name begin with a letter from A to {last.upper()}?",
        words=(f"letter from a to {last}", f"letters a to {last}", f"between a and {last}"),
    )
