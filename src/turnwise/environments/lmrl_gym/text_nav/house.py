"""A house of rooms, things and places to put them, and what can be done in it: the game without its texts.

The rules are those of TextWorld's house games as far as the benchmark's game uses them (no keys, no doors
between rooms): go, take, drop, put, insert, open, close, eat.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import NamedTuple

from turnwise.wire import Record

CARRIED = ""
"""The place of what the player carries."""
EATEN = "eaten"
"""The place of what is no more."""


class Room(Record, frozen=True, kw_only=True):
    """A room."""

    name: str
    exits: dict[str, str] = {}
    """Names of rooms by direction."""
    text: str = ""


class Holder(Record, frozen=True, kw_only=True):
    """What things can be on or in."""

    id: str
    name: str
    room: str
    container: bool = False
    """Whether it opens and shuts, and things are in it; shut at the start."""
    text: str = ""


class Item(Record, frozen=True, kw_only=True):
    """What can be carried."""

    name: str
    place: str
    """Where it is at the start: a holder's id."""
    food: bool = False
    text: str = ""


class Quest(Record, frozen=True, kw_only=True):
    """What to do: put an item into a container and shut it."""

    item: str
    into: str
    """The container's id."""
    at: str
    """Where the item is at the start, in words."""


class Plan(Record, frozen=True, kw_only=True):
    """The whole house at the start, but for the player."""

    quest: Quest
    rooms: tuple[Room, ...]
    holders: tuple[Holder, ...]
    items: tuple[Item, ...]


class State(NamedTuple):
    """How things stand."""

    room: str
    """Where the player is."""
    places: tuple[str, ...]
    """Where each item is: a holder's id, a room's name, `CARRIED` or `EATEN`."""
    open: frozenset[str]
    """Ids of the containers that are."""


class House:
    """What can be done in a plan's house, from any state; it keeps none."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.rooms = {room.name: room for room in plan.rooms}
        self.holders = {holder.id: holder for holder in plan.holders}
        self._in_room = {
            room.name: [holder for holder in plan.holders if holder.room == room.name] for room in plan.rooms
        }
        self._quest_item = [item.name for item in plan.items].index(plan.quest.item)
        self.commands = lru_cache(4096)(self._commands)
        self.next_best = lru_cache(4096)(self._next_best)

    def start(self, room: str) -> State:
        """The state at the start, the player in `room`."""
        return State(room, tuple(item.place for item in self.plan.items), frozenset())

    def won(self, state: State) -> bool:
        """Whether the item is where it belongs, and that is shut."""
        into = self.plan.quest.into
        return state.places[self._quest_item] == into and into not in state.open

    def lost(self, state: State) -> bool:
        """Whether the item was eaten."""
        return state.places[self._quest_item] == EATEN

    def within(self, state: State, holder: Holder) -> bool:
        """Whether one can reach what is on or in a holder of this room."""
        return not holder.container or holder.id in state.open

    def at(self, state: State, place: str) -> list[Item]:
        """The items at a place, in the plan's order."""
        return [item for item, where in zip(self.plan.items, state.places, strict=True) if where == place]

    def all_commands(self) -> list[str]:
        """Everything that can be a command in some state, sorted."""
        commands = {f"go {direction}" for room in self.plan.rooms for direction in room.exits}
        for item in self.plan.items:
            commands |= {f"take {item.name}", f"drop {item.name}"}
            commands |= {f"take {item.name} from {holder.name}" for holder in self.plan.holders}
            commands |= {_put(item, holder) for holder in self.plan.holders}
            if item.food:
                commands.add(f"eat {item.name}")
        for holder in self.plan.holders:
            if holder.container:
                commands |= {f"open {holder.name}", f"close {holder.name}"}
        return sorted(commands)

    def _commands(self, state: State) -> dict[str, State]:
        """What can be done now, and what becomes of it, sorted by command."""
        done: dict[str, State] = {}
        for direction, room in self.rooms[state.room].exits.items():
            done[f"go {direction}"] = state._replace(room=room)
        near = self._in_room[state.room]
        reach = [holder for holder in near if self.within(state, holder)]
        for holder in near:
            if holder.container:
                verb = "close" if holder.id in state.open else "open"
                done[f"{verb} {holder.name}"] = state._replace(open=state.open ^ {holder.id})
        for number, (item, place) in enumerate(zip(self.plan.items, state.places, strict=True)):
            if place == state.room:
                done[f"take {item.name}"] = _moved(state, number, CARRIED)
            elif place == CARRIED:
                done[f"drop {item.name}"] = _moved(state, number, state.room)
                if item.food:
                    done[f"eat {item.name}"] = _moved(state, number, EATEN)
                for holder in reach:
                    done[_put(item, holder)] = _moved(state, number, holder.id)
            else:
                for holder in reach:
                    if place == holder.id:
                        done[f"take {item.name} from {holder.name}"] = _moved(state, number, CARRIED)
        return dict(sorted(done.items()))

    def _next_best(self, state: State) -> str | None:
        """First command of a shortest way to win; None where there is none, or it is won already.

        A breadth-first search in which the other items stay where they are: they are never in the way, so no
        shorter plan moves one.
        """
        if self.won(state):
            return None
        queue: deque[tuple[State, str | None]] = deque([(state, None)])
        seen = {state}
        while queue:
            here, first = queue.popleft()
            for command, after in self.commands(here).items():
                if after in seen or self.lost(after) or self._disturbs(here, after):
                    continue
                if self.won(after):
                    return first or command
                seen.add(after)
                queue.append((after, first or command))
        return None

    def _disturbs(self, before: State, after: State) -> bool:
        """Whether another item than the quest's has moved."""
        return any(
            was != now and number != self._quest_item
            for number, (was, now) in enumerate(zip(before.places, after.places, strict=True))
        )


def _put(item: Item, holder: Holder) -> str:
    """The command that leaves an item there."""
    if holder.container:
        return f"insert {item.name} into {holder.name}"
    return f"put {item.name} on {holder.name}"


def _moved(state: State, number: int, place: str) -> State:
    places = state.places
    return state._replace(places=(*places[:number], place, *places[number + 1 :]))
