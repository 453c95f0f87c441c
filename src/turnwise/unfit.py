"""What does not fit a type, told so that whoever wrote it knows what would: the choices, the nearest name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

import msgspec
from msgspec import inspect

from turnwise.errors import did_you_mean

_PLAIN = (
    *(inspect.NoneType, inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType),
    *(inspect.LiteralType, inspect.ListType, inspect.VarTupleType, inspect.TupleType),
)
"""Types that no table can be."""


def unfit(error: msgspec.ValidationError, kind: Any) -> tuple[str, str]:
    """What msgspec says of settings that are no `kind`, with more to go by.

    Args:
        error: It.
        kind: The type that was wanted.

    Returns:
        The place, such as `user.level`, empty for the whole; and the reason.
    """
    reason, _, place = str(error).partition(" - at ")
    place = re.sub(r"^`(?:key in )?\$\.?(.*)`$", r"\1", place)
    choice = re.fullmatch(r"Invalid enum value (.*)", reason)
    if choice:
        known = _choices(kind, place)
        if known:
            near = did_you_mean(choice[1].strip("'"), [one for one in known if isinstance(one, str)])
            return place, f"{choice[1]} is none of {', '.join(map(str, known))}{near}"
    return place, f"{reason[0].lower()}{reason[1:]}"


def stray(given: Any, kind: Any, place: str = "") -> tuple[str, str] | None:
    """The first key that nothing will read, at any depth: msgspec passes it over, in settings it is a slip.

    Args:
        given: Settings, as decoded.
        kind: What they will be made into.
        place: Where they stand.

    Returns:
        Its place and what is wrong, as `unfit` does; None where there is none.
    """
    return _stray(given, list(_parts([inspect.type_info(kind)])), place)


def _stray(given: Any, kinds: list[inspect.Type], place: str) -> tuple[str, str] | None:
    if isinstance(given, dict):
        pairs = cast("dict[Any, Any]", given)
        structs = [one for one in kinds if isinstance(one, inspect.StructType)]
        if structs and len(structs) == len([one for one in kinds if not isinstance(one, _PLAIN)]):
            known = [field.encode_name for one in structs for field in one.fields]
            tags = {one.tag_field for one in structs}
            for key in pairs:
                if key not in known and key not in tags:
                    near = did_you_mean(str(key), known) or f"; it has {', '.join(sorted(set(known)))}"
                    return place, f"there is no {key!r}{near}"
        steps = [(str(key), f"{place}.{key}".lstrip("."), value) for key, value in pairs.items()]
    elif isinstance(given, (list, tuple)):
        items = cast("list[Any]", given)
        steps = [("[...]", f"{place}[{number}]", value) for number, value in enumerate(items)]
    else:
        return None
    for name, there, value in steps:
        within = list(_parts(kind for one in kinds for kind in _within(one, name)))
        found = _stray(value, within, there) if within else None
        if found is not None:
            return found
    return None


def _choices(kind: Any, place: str) -> list[Any]:
    """The values that may stand at a place, where they are a few fixed ones."""
    found = [one.values for one in _at(kind, place) if isinstance(one, inspect.LiteralType)]
    return [value for values in found for value in values]


def _at(kind: Any, place: str) -> list[inspect.Type]:
    """What may stand at a place: all parts of a union."""
    here = list(_parts([inspect.type_info(kind)]))
    for name in re.findall(r"\[\.\.\.\]|[^.\[\]]+", place):
        here = list(_parts(within for one in here for within in _within(one, name)))
    return here


def _within(one: inspect.Type, name: str) -> Iterator[inspect.Type]:
    """What stands in a type under a name, or at a number."""
    if isinstance(one, inspect.StructType):
        yield from (field.type for field in one.fields if field.encode_name == name)
    elif isinstance(one, inspect.DictType):
        yield one.value_type
    else:
        items = getattr(one, "item_types", None) or [getattr(one, "item_type", None)]
        yield from (item for item in cast("list[Any]", items) if item is not None)


def _parts(types: Iterable[inspect.Type]) -> Iterator[inspect.Type]:
    for one in types:
        yield from _parts(one.types) if isinstance(one, inspect.UnionType) else [one]
