"""Messages: what participants say to each other, in text, pictures, sound, files and tool calls."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeAlias

import msgspec

from turnwise.wire import Record

Speaker: TypeAlias = Literal["system", "user", "assistant", "tool"]


class Text(Record, tag="text", tag_field="type", frozen=True, kw_only=True):
    """A piece of text."""

    text: str


class Media(Record, frozen=True, kw_only=True):
    """Bytes with a media type, inline (`data`) or by content hash in the store (`sha256`)."""

    media_type: str
    """MIME type, e.g. `image/png`."""
    data: bytes | None = None
    """The bytes themselves; base64 in JSON. None where the store holds them under `sha256`."""
    sha256: str | None = None
    """Hex SHA-256 of the bytes."""
    name: str | None = None
    """File name, where it means something."""

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the content, computed where only the bytes are here."""
        if self.sha256 is not None:
            return self.sha256
        return hashlib.sha256(self.data or b"").hexdigest()


class Image(Media, tag="image", tag_field="type", frozen=True, kw_only=True):
    """A picture."""


class Audio(Media, tag="audio", tag_field="type", frozen=True, kw_only=True):
    """A sound."""


class Video(Media, tag="video", tag_field="type", frozen=True, kw_only=True):
    """A moving picture."""


class File(Media, tag="file", tag_field="type", frozen=True, kw_only=True):
    """Any other file."""


Part: TypeAlias = Text | Image | Audio | Video | File
Content: TypeAlias = str | tuple[Part, ...]


class ToolCall(Record, frozen=True, kw_only=True):
    """A model's wish to call a tool."""

    id: str
    name: str
    arguments: str = "{}"
    """JSON text exactly as the model wrote it, well-formed or not; never re-serialised."""


class Message(Record, frozen=True, kw_only=True, gc=False):
    """One message as a chat model sees it."""

    role: Speaker
    content: Content = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    """For a tool result: the id of the call it answers."""
    name: str | None = None
    """For a tool result, the tool; otherwise the speaker, where several share a role."""
    reasoning: str | None = None
    """Thoughts the model gave apart from its answer."""
    provider: dict[str, Any] | None = None
    """What a provider needs back verbatim in the next call (signatures of thoughts and such)."""

    @property
    def text(self) -> str:
        """The text parts, joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, Text))


def user(content: Content) -> Message:
    """A user message."""
    return Message(role="user", content=content)


def assistant(content: Content, *, tool_calls: tuple[ToolCall, ...] = ()) -> Message:
    """An assistant message."""
    return Message(role="assistant", content=content, tool_calls=tool_calls)


def system(content: Content) -> Message:
    """A system message."""
    return Message(role="system", content=content)


class ToolSpec(Record, frozen=True, kw_only=True):
    """A tool as a model is told of it."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """JSON Schema of the arguments object."""
