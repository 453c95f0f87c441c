"""What a model's text says: its thoughts, its tool calls, and the rest.

Two common ways to call tools are known: `<tool_call>{"name": …, "arguments": …}</tool_call>` (Hermes, Qwen)
and a whole answer that is `{"name": …, "parameters": …}` (Llama 3, several joined by `;`). What does not
parse stays in the text, where the model's next prompt and the reader find it as it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from turnwise.message import Message, ToolCall

_HERMES = re.compile(r"\s*<tool_call>(.*?)</tool_call>", re.DOTALL)
_THINK, _THOUGHT = "<think>", "</think>"
_PYTHON_TAG = "<|python_tag|>"
MARKERS = frozenset({"<tool_call>", "</tool_call>", _THINK, _THOUGHT, _PYTHON_TAG})
"""Tokens that are read here, and so must not be dropped as special before."""


class Wish(NamedTuple):
    """A tool call as the model wrote it."""

    name: str
    arguments: str
    """JSON text."""


class _Object(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw()
    parameters: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Object).decode


def message_of(
    text: str, ordinal: int, *, tools: bool, thinking: bool = False, stop: Sequence[str] = ()
) -> Message:
    """The message that a sampled text is.

    Args:
        text: The text, without the tokens that end it.
        ordinal: Number of the call among the role's; tool calls are named by it.
        tools: Whether tools were offered; otherwise nothing is read as a call.
        thinking: Whether the prompt had opened the thoughts already.
        stop: Stop strings; the text counts up to the first.
    """
    text = before_stop(text, stop)
    reasoning, text = _thoughts(text, thinking)
    wishes: list[Wish] = []
    if tools:
        text, wishes = _wishes(text)
    return as_message(text, reasoning, wishes, ordinal)


def as_message(text: str, reasoning: str | None, wishes: Sequence[Wish], ordinal: int) -> Message:
    """An assistant's message; its calls are named after the role's call `ordinal`."""
    calls = tuple(
        ToolCall(id=f"call-{ordinal}-{place}", name=wish.name, arguments=wish.arguments)
        for place, wish in enumerate(wishes)
    )
    return Message(role="assistant", content=text, tool_calls=calls, reasoning=reasoning)


def before_stop(text: str, stop: Sequence[str]) -> str:
    """`text` up to the first stop string."""
    places = [place for mark in stop if (place := text.find(mark)) >= 0]
    return text[: min(places)] if places else text


def wish_of(text: str) -> Wish | None:
    """The call that a JSON object `{"name": …, "arguments" or "parameters": …}` wishes for, if it is one."""
    try:
        wish = _decode(text.strip().encode())
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    written = bytes(wish.arguments or wish.parameters or b"{}").decode()
    if written.startswith('"'):
        # Some models write the arguments as a string that holds JSON.
        written = msgspec.json.decode(written, type=str)
    return Wish(wish.name, written)


def _thoughts(text: str, thinking: bool) -> tuple[str | None, str]:
    """Thoughts at the start of a text, and what follows them."""
    if not thinking:
        begun = text.lstrip()
        if not begun.startswith(_THINK):
            return None, text
        text = begun.removeprefix(_THINK)
    reasoning, _, rest = text.partition(_THOUGHT)
    return reasoning.strip("\n"), rest.lstrip("\n")


def _wishes(text: str) -> tuple[str, list[Wish]]:
    wishes: list[Wish] = []

    def take(found: re.Match[str]) -> str:
        wish = wish_of(found[1])
        if wish is None:
            return found[0]
        wishes.append(wish)
        return ""

    rest = _HERMES.sub(take, text)
    if wishes:
        return rest, wishes
    bare = text.strip().removeprefix(_PYTHON_TAG).strip()
    if bare.startswith("{"):
        whole = wish_of(bare)
        parts = [whole] if whole else [wish_of(part) for part in re.split(r";(?=\s*\{)", bare)]
        found = [wish for wish in parts if wish is not None]
        if len(found) == len(parts):
            return "", found
    return text, []
