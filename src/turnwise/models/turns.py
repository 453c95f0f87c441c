"""A conversation as vendors with strict turns want it: a system prompt, then user and assistant by turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from turnwise.message import Message, Text, user

OPENING = "(The conversation begins.)"
"""Said by the user where the model is to speak first."""


class Turns(NamedTuple):
    """A conversation in strict turns."""

    system: str
    """The system messages it begins with, joined."""
    said: list[list[Message]]
    """By turns: what the user said (tool results and later system messages included), what the assistant
    said; the first is the user's."""


def in_turns(messages: Sequence[Message]) -> Turns:
    """Neighbours that are said by the same side become one turn; blank messages, which are refused, go."""
    system: list[str] = []
    said: list[list[Message]] = []
    for message in messages:
        if message.role == "system" and not said:
            system.append(message.text)
        elif _blank(message):
            continue
        elif said and (message.role == "assistant") == (said[-1][0].role == "assistant"):
            said[-1].append(message)
        else:
            said.append([message])
    if not said or said[0][0].role == "assistant":
        said.insert(0, [user(OPENING)])
    return Turns("\n\n".join(text for text in system if text), said)


def _blank(message: Message) -> bool:
    if message.role == "tool" or message.tool_calls or message.provider:
        return False
    content = message.content
    return not message.text.strip() and (
        isinstance(content, str) or all(isinstance(part, Text) for part in content)
    )
