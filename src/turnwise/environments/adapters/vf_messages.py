"""Messages and tools of the `verifiers` library, to ours and back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any, cast

from turnwise.message import Audio, Content, File, Image, Message, Part, Speaker, Text, ToolCall, ToolSpec


def message(theirs: Any) -> Message:
    """Their message (an object of theirs, or a dict like it) as ours."""
    speaker: str = _get(theirs, "role")
    calls: Iterable[Any] = _get(theirs, "tool_calls") or ()
    return Message(
        # A bare text is the prompt of a completion: said by the user.
        role=cast("Speaker", "user" if speaker == "text" else speaker),
        content=_content(_get(theirs, "content")),
        tool_calls=tuple(
            ToolCall(id=_get(call, "id"), name=_get(call, "name"), arguments=_get(call, "arguments"))
            for call in calls
        ),
        tool_call_id=_get(theirs, "tool_call_id"),
    )


def spec(theirs: Any) -> ToolSpec:
    """Their tool definition as ours."""
    return ToolSpec(name=theirs.name, description=theirs.description, parameters=dict(theirs.parameters))


def plain(ours: Message) -> dict[str, Any]:
    """Our message as a dict that theirs is made from."""
    made: dict[str, Any] = {"role": ours.role, "content": _their_content(ours.content)}
    if ours.role == "tool":
        made["tool_call_id"] = ours.tool_call_id or ""
    if ours.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "name": call.name, "arguments": call.arguments} for call in ours.tool_calls
        ]
    if ours.reasoning is not None and ours.role == "assistant":
        made["reasoning_content"] = ours.reasoning
    return made


def plain_tools(ours: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """Our tools as dicts that theirs are made from."""
    return [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in ours
    ]


def _get(thing: Any, name: str) -> Any:
    return cast("dict[str, Any]", thing).get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def _content(theirs: Any) -> Content:
    if theirs is None or isinstance(theirs, str):
        return theirs or ""
    return tuple(_part(part) for part in theirs)


def _part(theirs: Any) -> Part:
    kind = _get(theirs, "type")
    if kind == "text":
        return Text(text=_get(theirs, "text"))
    if kind == "image_url":
        url: str = _get(_get(theirs, "image_url"), "url")
        head, comma, data = url.partition(",")
        if head.startswith("data:") and comma and (inline := _decoded(data)) is not None:
            return Image(media_type=head[5:].partition(";")[0], data=inline)
        return Text(text=url)
    if kind == "input_audio":
        sound = _get(theirs, "input_audio")
        if (inline := _decoded(_get(sound, "data"))) is not None:
            return Audio(media_type=f"audio/{_get(sound, 'format')}", data=inline)
    return Text(text=str(theirs))


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def _their_content(ours: Content) -> str | list[dict[str, Any]]:
    return ours if isinstance(ours, str) else [_their_part(part) for part in ours]


def _their_part(ours: Part) -> dict[str, Any]:
    if isinstance(ours, Text):
        return {"type": "text", "text": ours.text}
    data = base64.b64encode(ours.data or b"").decode()
    if isinstance(ours, Image):
        return {"type": "image_url", "image_url": {"url": f"data:{ours.media_type};base64,{data}"}}
    if isinstance(ours, Audio):
        kind = ours.media_type.rpartition("/")[2]
        return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}
    name = ours.name or ours.media_type if isinstance(ours, File) else ours.media_type
    return {"type": "text", "text": f"[{name}]"}
