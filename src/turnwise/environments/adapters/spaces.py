"""Gymnasium's spaces in text: what one holds in words, a value of it as text, and a value read from a reply.

A discrete action is its number or its name; everything else is JSON, as the space's own nesting has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
import numpy as np

MOST_NUMBERS = 512
"""Numbers in one observation that are still written out."""
_JSON = re.compile(r"[\[{]")


def described(space: Any, names: Sequence[str] = ()) -> str:
    """What can be in `space`, in words."""
    kind = _kind(space)
    if kind == "Discrete":
        first, last = int(space.start), int(space.start + space.n - 1)
        if names:
            return ", ".join(f"{first + place} ({name})" for place, name in enumerate(names))
        return f"a whole number from {first} to {last}"
    if kind == "Text":
        return f"a text of {space.min_length} to {space.max_length} characters"
    if kind == "Box":
        low, high = _bound(space.low), _bound(space.high)
        return f"JSON numbers of shape {_shape(space)}, from {low} to {high}"
    if kind == "MultiDiscrete":
        return f"JSON whole numbers of shape {_shape(space)}, each from 0 to below {space.nvec.tolist()}"
    if kind == "MultiBinary":
        return f"a JSON list of 0 and 1 of shape {_shape(space)}"
    if kind == "Tuple":
        return f"a JSON list of: {'; '.join(described(part) for part in space.spaces)}"
    if kind == "Dict":
        inner = "; ".join(f"{json_text(name)}: {described(part)}" for name, part in space.spaces.items())
        return f"a JSON object of: {inner}"
    return f"a value of {space}"


def size(space: Any) -> int:
    """Numbers and texts in a value of `space`."""
    kind = _kind(space)
    if kind == "Tuple":
        return sum(size(part) for part in space.spaces)
    if kind == "Dict":
        return sum(size(part) for part in space.spaces.values())
    return int(np.prod(space.shape or ()))


def written(value: Any) -> str:
    """A value of a space as text: JSON, but a text as it stands."""
    plain = builtins(value)
    return plain if isinstance(plain, str) else json_text(plain)


def builtins(value: Any) -> Any:
    """A value of a space as JSON values."""
    if isinstance(value, np.ndarray):
        return builtins(cast("Any", value).tolist())
    if isinstance(value, np.generic):
        return builtins(value.item())
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {str(key): builtins(item) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [builtins(item) for item in cast("Sequence[Any]", value)]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read(space: Any, reply: str, names: Sequence[str] = ()) -> Any:
    """The value of `space` that `reply` gives; None where it gives none.

    A discrete value is the last number or name in the reply that is one; JSON is read from the first
    bracket that begins any which fits.
    """
    kind = _kind(space)
    if kind == "Discrete":
        return _number(space, reply, names)
    if kind == "Text":
        return next((text for text in (reply, reply.strip()) if space.contains(text)), None)
    if kind == "Box" and not space.shape:
        return _fit(space, _decoded(reply.strip()))
    for found in _JSON.finditer(reply[:100_000]):
        value = _fit(space, _decoded(_balanced(reply[found.start() :])))
        if value is not None:
            return value
    return None


def _number(space: Any, reply: str, names: Sequence[str]) -> Any:
    first, count = int(space.start), int(space.n)
    by_name = {name.lower(): first + place for place, name in enumerate(names)}
    words = sorted(map(re.escape, by_name), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join([*words, r'-?[0-9]{1,18}'])})(?![\w.]*\w)", re.IGNORECASE)
    for text in reversed(pattern.findall(reply[-100_000:])):
        number = by_name[text.lower()] if text.lower() in by_name else int(text)
        if first <= number < first + count:
            return np.int64(number)
    return None


def _fit(space: Any, value: Any) -> Any:
    """JSON values as a value of `space`; None where they are not one."""
    try:
        made = _converted(space, value)
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return made if made is not None and space.contains(made) else None


def _converted(space: Any, value: Any) -> Any:
    kind = _kind(space)
    if kind == "Tuple":
        return tuple(_converted(part, item) for part, item in zip(space.spaces, value, strict=True))
    if kind == "Dict":
        return {name: _converted(part, value[name]) for name, part in space.spaces.items()}
    if kind == "Text":
        return value
    if kind == "Discrete":
        return np.int64(value) if isinstance(value, int) else None
    array = np.asarray(value)
    if array.dtype.kind not in "iufb" or (np.issubdtype(space.dtype, np.integer) and array.dtype.kind == "f"):
        return None
    return array.astype(space.dtype).reshape(space.shape)


def _balanced(text: str) -> str:
    """`text` up to the bracket that closes its first."""
    depth = 0
    for place, mark in enumerate(text):
        depth += (mark in "[{") - (mark in "]}")
        if depth == 0:
            return text[: place + 1]
    return ""


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """`value` as JSON text with a blank after each comma and colon."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def _kind(space: Any) -> str:
    """The name of the kind of space it is, or is derived from."""
    known = ("Discrete", "Text", "Box", "MultiDiscrete", "MultiBinary", "Tuple", "Dict")
    return next(
        (kind.__name__ for kind in type(space).__mro__ if kind.__name__ in known), type(space).__name__
    )


def _shape(space: Any) -> list[int]:
    return [int(length) for length in space.shape]


def _bound(array: Any) -> str:
    flat = np.unique(np.asarray(array))
    return written(flat[0]) if len(flat) == 1 else written(array)


def is_discrete(space: Any) -> bool:
    """Whether `space` is a plain range of whole numbers."""
    return _kind(space) == "Discrete"
