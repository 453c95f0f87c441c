"""What a model most likely meant by a value of another type, by the JSON Schema of what was wanted.

A number for a text is that text; a list or object as JSON text is what the text holds; wherever they stand.
Numbers and truth values as text need no mending here: msgspec reads them itself where it is not strict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

Schema = Mapping[str, Any]

_ANY: Schema = {}
_NO_NUMBERS = ("nan", "inf", "infinity")
"""Texts that Python reads as numbers, and JSON does not."""


def mended(value: Any, schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """The value as `schema` most likely wants it; as it is where it fits, or nothing helps.

    Args:
        value: JSON.
        schema: What was wanted.
        definitions: What its references name.

    Raises:
        msgspec.ValidationError: a text that Python would read as a number that is none.
        RecursionError: the value lies too deep.
    """
    kinds = meant(schema, definitions)
    types = {kind.get("type") for kind in kinds}
    if isinstance(value, str) and "string" not in types:
        value = _read(value, types)
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and "string" in types:
        return value if types & {"integer", "number"} else str(value)
    if isinstance(value, list):
        items: Schema = (
            next((kind.get("items") for kind in kinds if kind.get("type") == "array"), None) or _ANY
        )
        return [mended(one, items, definitions) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        whole: Schema = next((kind for kind in kinds if kind.get("type") == "object"), _ANY)
        named: Mapping[str, Schema] = whole.get("properties", _ANY)
        other: Schema = whole.get("additionalProperties") or _ANY
        inside = cast("dict[str, Any]", value)
        return {name: mended(one, named.get(name, other), definitions) for name, one in inside.items()}
    return value


def meant(schema: Schema, definitions: Mapping[str, Schema]) -> Sequence[Schema]:
    """The plain schemas that a schema stands for: what it refers to, each of several."""
    if "$ref" in schema:
        return meant(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return [kind for part in schema["anyOf"] for kind in meant(part, definitions)]
    return [schema]


def _read(text: str, types: set[Any]) -> Any:
    """A text where none was wanted."""
    if types & {"array", "object"}:
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return text
    if types & {"integer", "number"} and text.strip().lstrip("+-").lower() in _NO_NUMBERS:
        raise msgspec.ValidationError(f"expected a number, got {text!r}")
    return text
