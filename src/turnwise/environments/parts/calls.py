"""Calls of tools, as players without a model write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from turnwise.message import Message, ToolCall


def calling(name: str, arguments: Mapping[str, Any], number: int) -> Message:
    """A message that calls one tool.

    Args:
        name: Of the tool.
        arguments: By name.
        number: Of the call in its episode.
    """
    text = msgspec.json.encode(arguments).decode()
    return Message(role="assistant", tool_calls=(ToolCall(id=f"call_{number}", name=name, arguments=text),))
