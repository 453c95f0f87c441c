"""What is wrong with how a case went, as lines for people: no line, nothing wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from turnwise.environments.parts.reasons import NOTHING, place
from turnwise.tools.desk import Desk
from turnwise.tools.tables import Tables


def whole(desk: Desk) -> dict[str, Any]:
    """The whole state of a desk as JSON values, its tables included."""
    found: dict[str, Any] = {}
    for name in desk.state():
        value = getattr(desk, name)
        found[name] = value.whole() if isinstance(value, Tables) else msgspec.to_builtins(value)
    return found


def lacking(wanted: Mapping[str, Any], found: Any, at: tuple[str, ...] = ()) -> list[str]:
    """Where a state is not as wanted; what is not spoken of does not matter."""
    lines: list[str] = []
    for key, value in wanted.items():
        there = found.get(key, NOTHING) if isinstance(found, Mapping) else NOTHING  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        where = (*at, key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            lines += lacking(value, there, where)  # pyright: ignore[reportUnknownArgumentType]
        elif there != value or isinstance(there, bool) is not isinstance(value, bool):
            lines.append(place(where, there, value))
    return lines


def unsaid(texts: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Strings that no text holds."""
    spoken = [_plain(text) for text in texts]
    return [f"never said: {one!r}" for one in wanted if not any(_plain(one) in text for text in spoken)]


def blurted(texts: Iterable[str], forbidden: Sequence[str]) -> list[str]:
    """Strings that some text holds and none should."""
    spoken = [_plain(text) for text in texts]
    return [f"said: {one!r}" for one in forbidden if any(_plain(one) in text for text in spoken)]


def _plain(text: str) -> str:
    """A text as it is compared: in no case, its spaces alike, no commas within its numbers."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", " ".join(text.casefold().split()))
