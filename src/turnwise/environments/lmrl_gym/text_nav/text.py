"""What a player reads of a house: rooms with what is in them, and what its commands did."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from turnwise.environments.lmrl_gym.text_nav.house import CARRIED, Holder, House, Item, State

_MARK = re.compile(r"\[([^\[\]]*)\]")
_THING = re.compile(r"(?:on|in) the (.+)$")


def listed(items: Sequence[Item]) -> str:
    """`a bowl, a plate and an apple`; `nothing` where there is none."""
    names = [f"{'an' if item.name[0] in 'aeiou' else 'a'} {item.name}" for item in items]
    if len(names) < 2:
        return names[0] if names else "nothing"
    return f"{', '.join(names[:-1])} and {names[-1]}"


@lru_cache(4096)
def room_text(house: House, state: State, *, located: bool) -> str:
    """The description of the room the player is in; `located` names it first."""
    text = filled(house, state, house.rooms[state.room].text).strip()
    if located:
        text = f"You are in the {state.room}. {text}"
    if floor := house.at(state, state.room):
        text += f" There is {listed(floor)} on the floor."
    return text


def thing_text(house: House, state: State, name: str) -> str | None:
    """What a thing looks like from near; None where no such thing is to be seen."""
    near = [holder for holder in house.plan.holders if holder.room == state.room]
    for holder in near:
        if holder.name == name:
            return filled(house, state, holder.text, holder)
    places = [CARRIED, state.room, *(holder.id for holder in near if house.within(state, holder))]
    for place in places:
        for item in house.at(state, place):
            if item.name == name:
                return item.text or f"Nothing is special about the {name}."
    return None


def carried_text(house: House, state: State) -> str:
    """What the player carries."""
    return f"You are carrying: {listed(house.at(state, CARRIED))}."


def done_text(house: House, command: str, after: State, *, located: bool) -> str:
    """What a command that could be done has led to."""
    verb, _, rest = command.partition(" ")
    if verb == "go":
        return room_text(house, after, located=located)
    if verb == "take":
        item, _, place = rest.partition(" from ")
        return (
            f"You take the {item} from the {place}." if place else f"You pick up the {item} from the floor."
        )
    if verb in ("put", "insert"):
        item, _, place = rest.partition(" on " if verb == "put" else " into ")
        return f"You put the {item} {'on' if verb == 'put' else 'into'} the {place}."
    if verb == "open":
        holder = next(
            holder for holder in house.plan.holders if (holder.room, holder.name) == (after.room, rest)
        )
        return f"You open the {rest}, which holds {listed(house.at(after, holder.id))}."
    return {
        "drop": f"You drop the {rest} on the floor.",
        "close": f"You close the {rest}.",
        "eat": f"You eat the {rest}.",
    }[verb]


def filled(house: House, state: State, template: str, this: Holder | None = None) -> str:
    """A TextWorld description with its `[if …]` parts decided and its lists written out.

    Parts do not nest, as in the games TextWorld writes.

    Raises:
        KeyError, ValueError: for a part that is none of TextWorld's.
    """
    written: list[str] = []
    showing, decided = True, False
    for number, piece in enumerate(_MARK.split(template)):
        if number % 2 == 0:
            if showing:
                written.append(piece)
        elif piece == "end if":
            showing, decided = True, False
        elif piece == "otherwise":
            showing = not decided
        elif piece.startswith(("if ", "else if ")):
            holds = not decided and all(
                _holds(house, state, part, this) for part in piece.split("if ", 1)[1].split(" and ")
            )
            showing, decided = holds, decided or holds
        elif showing:
            written.append(_list(house, state, piece))
    return "".join(written)


def _holds(house: House, state: State, claim: str, this: Holder | None) -> bool:
    """Whether one claim of a condition is true (KeyError for none that TextWorld makes)."""
    if claim.startswith(("there is something ", "there is nothing ")):
        return bool(_contents(house, state, claim)) == ("something" in claim)
    if claim.endswith(" contains nothing"):
        return not house.at(state, claim.removeprefix("the ").removesuffix(" contains nothing"))
    checks: dict[str, Callable[[str], bool]] = {
        "open": lambda holder: holder in state.open,
        "closed": lambda holder: holder not in state.open,
        "locked": lambda holder: False,
    }
    holder, _, is_what = claim.rpartition(" is ")
    return checks[is_what](holder or (this.id if this else ""))


def _list(house: House, state: State, piece: str) -> str:
    return listed(_contents(house, state, piece))


def _contents(house: House, state: State, words: str) -> list[Item]:
    """The items on or in the holder that `words` end with."""
    found = _THING.search(words)
    if found is None or found[1] not in house.holders:
        raise ValueError(f"the text part {words!r} names nothing that holds things")
    return house.at(state, found[1])
