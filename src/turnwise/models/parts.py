"""Small readers and writers of JSON that the providers share."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, cast

import msgspec

from turnwise.errors import ModelError
from turnwise.message import Media, Message, ToolCall


def table(data: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    """The object under `name`; an empty one where there is none."""
    found = (data or {}).get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def count(data: Mapping[str, Any], name: str) -> int:
    """The number under `name`; 0 where there is none.

    Raises:
        ValueError: it is no count.
    """
    return whole(data.get(name) or 0)


def whole(value: Any) -> int:
    """`value` as a count or the id of a token.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, (int, float)) or not 0 <= value <= 2**53:
        raise ValueError(f"expected a count, got {value!r}")
    return int(value)


def as_base64(part: Media) -> str:
    """The bytes of a picture, sound or file, for a request.

    Raises:
        ModelError: only their hash is known.
    """
    if part.data is None:
        raise ModelError(
            f"the bytes of {part.media_type} {part.digest[:12]} are not here", kind="bad_request"
        )
    return base64.b64encode(part.data).decode()


def arguments_of(call: ToolCall) -> dict[str, Any] | None:
    """The arguments of a past call; None where the model wrote no object, which servers refuse."""
    try:
        arguments: Any = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, RecursionError):
        return None
    return cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else None


def as_text(arguments: Any) -> str:
    """Arguments as the model wrote them; some servers parse them already."""
    if arguments is None:
        return "{}"
    return arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()


def kept(message: Message, provider: str, model: str) -> dict[str, Any]:
    """What `model` of `provider` wants back with its message; nothing where another model said it."""
    found = table(message.provider, provider)
    return found if found.get("model") == model else {}
