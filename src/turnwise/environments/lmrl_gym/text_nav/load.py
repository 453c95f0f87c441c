"""Reads a house: our own (`house.toml`), or the benchmark's game as TextWorld stores it."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from turnwise import data
from turnwise.environments.lmrl_gym.text_nav.house import Holder, House, Item, Plan, Quest, Room
from turnwise.environments.lmrl_gym.text_nav.text import filled
from turnwise.errors import ConfigError

Game: TypeAlias = Literal["sample", "official"]

FOODS = {"stale food", "fresh food", "fruit"}
"""What can be eaten in the official environment, which builds its game anew; the stored game says nothing."""

_OPPOSITE = {"north_of": "north", "south_of": "south", "east_of": "east", "west_of": "west"}
_INSERT = re.compile(r"insert (.+) into (.+)")


@lru_cache
def house(game: Game) -> House:
    """The house of a game.

    Raises:
        ConfigError: where the benchmark's file is not there or is no game.
    """
    if game == "sample":
        raw = Path(__file__).with_name("house.toml").read_bytes()
        return House(msgspec.toml.decode(raw, type=Plan))
    return House(read(data.path("lmrl_gym/textnav_game.json")))


def read(path: Path) -> Plan:
    """The plan in a file of the benchmark: a TextWorld game (version 1), written as a Python literal.

    Raises:
        ConfigError: naming the file and what is missing.
    """
    try:
        raw: Any = ast.literal_eval(path.read_text("utf-8"))
        plan = _plan(raw)
        _check(plan)
    except (ValueError, SyntaxError, LookupError, TypeError, StopIteration) as error:
        raise ConfigError(
            f"{path}: expected a TextWorld game with world, infos and quests ({error!r})"
        ) from None
    return plan


def _plan(raw: dict[str, Any]) -> Plan:
    facts = [(fact["name"], *(argument["name"] for argument in fact["arguments"])) for fact in raw["world"]]
    infos: dict[str, dict[str, Any]] = dict(raw["infos"])
    where = {thing: place for name, *rest in facts if name in ("at", "on", "in") for thing, place in [rest]}
    rooms = {thing: info["name"] for thing, info in infos.items() if info["type"] == "r"}
    exits: dict[str, dict[str, str]] = {room: {} for room in rooms}
    for name, *rest in facts:
        if name in _OPPOSITE:
            there, here = rest
            exits[here][_OPPOSITE[name]] = rooms[there]
    holders = [
        Holder(
            id=thing,
            name=info["name"],
            room=rooms[where[thing]],
            container=info["type"] == "c",
            text=info["desc"] or "",
        )
        for thing, info in infos.items()
        if info["type"] in "sc"
    ]
    items = [
        Item(name=info["name"], place=where[thing], food=info["name"] in FOODS, text=info["desc"] or "")
        for thing, info in infos.items()
        if info["type"] in "of"
    ]
    return Plan(
        quest=_quest(raw["quests"][0]["commands"], holders, items),
        rooms=tuple(
            Room(name=name, exits=exits[room], text=infos[room]["desc"] or "") for room, name in rooms.items()
        ),
        holders=tuple(holders),
        items=tuple(items),
    )


def _check(plan: Plan) -> None:
    """See that all texts can be written."""
    game = House(plan)
    for room in plan.rooms:
        filled(game, game.start(room.name), room.text)
    for holder in plan.holders:
        filled(game, game.start(holder.room), holder.text, holder)


def _quest(commands: list[str], holders: list[Holder], items: list[Item]) -> Quest:
    """The quest whose walkthrough this is."""
    item, into = next(found.groups() for command in commands if (found := _INSERT.fullmatch(command)))
    container = next(holder for holder in holders if holder.name == into and holder.container)
    place = next(thing.place for thing in items if thing.name == item)
    first = next(holder for holder in holders if holder.id == place)
    return Quest(item=item, into=container.id, at=f"the {first.name} in the {first.room}")
