"""Messages as replies give them: texts cut to what a page can hold, media by the hash of their content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

import msgspec

from turnwise import wire
from turnwise.log import EpisodeLog
from turnwise.message import Media, Message, Text, ToolCall
from turnwise.model import Usage
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found
from turnwise.view.server import shapes as s
from turnwise.wire import mend

_TEXT = 60_000
"""Characters of a text that are given at once."""
_VALUE = 2_000
"""Characters of a text within a note."""
_DEPTH = 24
"""How deep the JSON of a note may be; what is deeper is given as its text."""


def message(found: Found, said: Message) -> s.MessageShape:
    """A message of an episode."""
    return message_at(place(found), said)


def message_at(place: str, said: Message) -> s.MessageShape:
    """A message of the episode whose URLs begin so."""
    content = said.content
    parts = [Text(text=content)] if isinstance(content, str) else content
    return s.MessageShape(
        role=said.role,
        name=None if said.name is None else mend(said.name),
        parts=[_part(place, part) for part in parts if not (isinstance(part, Text) and not part.text)],
        reasoning=None if said.reasoning is None else mend(said.reasoning[:_TEXT]),
        tool_calls=[tool_call(call) for call in said.tool_calls],
        tool_call_id=said.tool_call_id,
    )


def tool_call(call: ToolCall) -> s.ToolCallShape:
    """A wish to call a tool."""
    return s.ToolCallShape(
        id=call.id,
        name=mend(call.name),
        arguments=mend(call.arguments[:_TEXT]),
        size=len(call.arguments),
        valid=_is_object(call.arguments),
    )


def spent(usage: Usage | None) -> s.Spent | None:
    """Tokens and money of a call."""
    if usage is None:
        return None
    return s.Spent(
        input=usage.input,
        output=usage.output,
        cached=usage.cached,
        reasoning=usage.reasoning,
        cost=usage.cost,
    )


def text(found: Found, turn: int, query: s.TextQuery) -> s.TextPage:
    """A piece of a text of a turn.

    Raises:
        MissingError: there is no such turn, or no such part.
    """
    said = turn_of(found, turn).message
    content = said.content
    parts = [Text(text=content)] if isinstance(content, str) else content
    shown = [part for part in parts if not (isinstance(part, Text) and not part.text)]
    part = shown[query.part] if query.part < len(shown) else None
    if not isinstance(part, Text):
        raise MissingError(f"turn {turn} of {found.name} has no text at part {query.part}")
    piece = part.text[query.start : query.start + query.count]
    return s.TextPage(start=query.start, total=len(part.text), text=mend(piece))


def turn_of(found: Found, turn: int) -> Any:
    """A turn of an episode.

    Raises:
        MissingError: there is none of this index.
    """
    if not 0 <= turn < len(found.log.turns):
        raise MissingError(f"{found.name} has no turn {turn}: it has {len(found.log.turns)}")
    return found.log.turns[turn]


def media(log: EpisodeLog) -> Iterator[Media]:
    """All media that are inline in an episode."""
    for said in _messages(log):
        if not isinstance(said.content, str):
            for part in said.content:
                if isinstance(part, Media) and part.data is not None:
                    yield part


def json(value: Any, depth: int = 0) -> Any:
    """A JSON value of the environment's or a model's making, with long texts cut and no endless depth."""
    if isinstance(value, str):
        return mend(value[:_VALUE])
    if isinstance(value, (dict, list)) and depth >= _DEPTH:
        return "…"
    if isinstance(value, dict):
        items = cast("Mapping[Any, Any]", value).items()
        return {mend(str(key)): json(item, depth + 1) for key, item in items}
    if isinstance(value, (list, tuple)):
        return [json(item, depth + 1) for item in cast("Iterable[Any]", value)]
    return value


def plain(record: Any) -> Any:
    """A record of ours as JSON."""
    return json(msgspec.json.decode(wire.encode(record)))


# Inside -----------------------------------------------------------------------------------------------


def _messages(log: EpisodeLog) -> Iterator[Message]:
    for turn in log.turns:
        yield turn.message
    for call in log.calls:
        yield from (ref for ref in call.added if isinstance(ref, Message))
        if call.message is not None:
            yield call.message


def _part(place: str, part: Any) -> s.PartShape:
    if isinstance(part, Text):
        return s.PartShape(
            kind="text",
            text=mend(part.text[:_TEXT]),
            size=len(part.text),
            sha256=None,
            media_type=None,
            name=None,
            url=None,
        )
    assert isinstance(part, Media)
    tag = cast("Any", type(part)).__struct_config__.tag
    inline = part.data is not None
    return s.PartShape(
        kind=tag,
        text=None,
        size=len(part.data or b""),
        sha256=part.digest,
        media_type=mend(part.media_type),
        name=None if part.name is None else mend(part.name),
        url=f"{place}/media/{part.digest}" if inline else None,
    )


def place(found: Found) -> str:
    """The URL below which everything of an episode is."""
    return place_of(found.run.id, found.row.number)


def place_of(run: str, number: int) -> str:
    """The same, by the run's id."""
    return f"/api/runs/{quote(run, safe='')}/episodes/{number}"


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return False
