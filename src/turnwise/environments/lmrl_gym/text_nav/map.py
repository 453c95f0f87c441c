"""A house drawn from above, for people."""

from __future__ import annotations

from functools import lru_cache

from turnwise.environments.lmrl_gym.text_nav.house import CARRIED, House, State
from turnwise.environments.lmrl_gym.text_nav.text import carried_text
from turnwise.environments.parts.picture import Board, Cell

_STEP = {"north": (-1, 0), "south": (1, 0), "east": (0, 1), "west": (0, -1)}
_ROOM, _HERE, _ITEM, _GOAL = "#e2e8f0", "#93c5fd", "#fde68a", "#86efac"
_OUTSIDE = Cell(" ", "#ffffff", "#ffffff")


def house_map(house: House, state: State) -> Board:
    """Each room by two letters of its name.

    Blue is where the player is; yellow, where the item is; green, where it belongs.
    """
    quest = house.plan.quest
    target = state.places[[item.name for item in house.plan.items].index(quest.item)]
    holder = house.holders.get(target)
    paper = {house.holders[quest.into].room: _GOAL}
    paper[holder.room if holder else target] = _ITEM
    paper[state.room] = _HERE
    where, names = places(house), short_names(house)
    rows = 1 + max(row for row, _ in where.values())
    columns = 1 + max(column for _, column in where.values())
    cells = [[_OUTSIDE] * columns for _ in range(rows)]
    for room, (row, column) in where.items():
        cells[row][column] = Cell(names[room], "#1f2937", paper.get(room, _ROOM))
    has_it = f"The {quest.item} is in hand. " if target == CARRIED else ""
    return Board(
        tuple(map(tuple, cells)),
        title=state.room,
        caption=f"{has_it}{carried_text(house, state)}",
    )


@lru_cache
def places(house: House) -> dict[str, tuple[int, int]]:
    """Row and column of each room, from the directions of their exits."""
    first = house.plan.rooms[0].name
    found = {first: (0, 0)}
    waiting = [first]
    while waiting:
        room = waiting.pop()
        for direction, other in house.rooms[room].exits.items():
            if other not in found:
                down, right = _STEP[direction]
                found[other] = (found[room][0] + down, found[room][1] + right)
                waiting.append(other)
    top = min(row for row, _ in found.values())
    left = min(column for _, column in found.values())
    return {room: (row - top, column - left) for room, (row, column) in found.items()}


@lru_cache
def short_names(house: House) -> dict[str, str]:
    """Two letters for each room, its first and the next that tells it from the rooms before."""
    names: dict[str, str] = {}
    for room in house.rooms:
        options = [(room[0] + letter).capitalize() for letter in room[1:]] or [room.capitalize()]
        names[room] = next((name for name in options if name not in names.values()), options[0])
    return names
