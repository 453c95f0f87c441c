"""Labels as data sets: choices as preferences, everything else as labelled replies, in lines of JSON.

`prompt`, `chosen` and `rejected`, or `prompt` and `completion`, are lists of messages in the form that chat
APIs and trainers take.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from turnwise import wire
from turnwise.errors import StoreError
from turnwise.log import EpisodeLog, as_seen
from turnwise.message import Message
from turnwise.store.annotations import Annotation, Target
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s


def preferences(source: Source, query: s.ExportQuery) -> Iterator[bytes]:
    """One line for each choice that is no tie and whose two sides are still there."""
    for word in _words(source, query):
        if word.kind != "choice" or not word.value or word.other is None:
            continue
        better, worse = (word.target, word.other) if word.value < 0 else (word.other, word.target)
        chosen, rejected = conversation(source, better), conversation(source, worse)
        if not chosen or not rejected:
            continue
        shared = _shared(chosen, rejected)
        yield _line(
            {
                "prompt": chosen[:shared],
                "chosen": chosen[shared:],
                "rejected": rejected[shared:],
                "name": word.name,
                "annotator": word.annotator,
                "created": word.created,
                "chosen_source": str(better),
                "rejected_source": str(worse),
                "reason": word.text,
            }
        )


def labels(source: Source, query: s.ExportQuery) -> Iterator[bytes]:
    """One line for each thumb, score, note and tag."""
    for word in _words(source, query):
        if word.kind == "choice":
            continue
        said = conversation(source, word.target) if word.target.episode is not None else []
        yield _line(
            {
                "prompt": said[:-1],
                "completion": said[-1:],
                "kind": word.kind,
                "name": word.name,
                "label": word.value > 0 if word.kind == "thumb" and word.value is not None else None,
                "value": word.value,
                "text": word.text,
                "span": _span(source, word),
                "annotator": word.annotator,
                "created": word.created,
                "source": str(word.target),
            }
        )


def conversation(source: Source, target: Target) -> list[dict[str, Any]]:
    """What a speaker was told and said up to a turn, or the first role of an episode to its end.

    Empty where it is no longer there.
    """
    if target.episode is None:
        return []
    try:
        log = source.episode(source.run(target.run), target.episode).log
    except (MissingError, StoreError):
        return []
    turn = _last(log) if target.turn is None else target.turn
    if turn is None or turn >= len(log.turns):
        return []
    return [_chat(message) for message in _up_to(log, turn)]


# Inside -----------------------------------------------------------------------------------------------


def _words(source: Source, query: s.ExportQuery) -> Iterator[Annotation]:
    for word in source.annotations.held():
        if (
            query.run in (None, word.target.run)
            and query.annotator in (None, word.annotator)
            and query.name in (None, word.name)
        ):
            yield word


def _last(log: EpisodeLog) -> int | None:
    """The last turn of the first role."""
    return next((turn.index for turn in reversed(log.turns) if turn.role == log.roles[0]), None)


def _up_to(log: EpisodeLog, index: int) -> list[Message]:
    """What the speaker of a turn was shown, and the turn; of a turn that no model said, all before it."""
    turn = log.turns[index]
    for call in log.calls:
        if turn.calls and (call.role, call.n) == (turn.role, turn.calls[-1]):
            return [*log.shown(call), turn.message]
    role = turn.role if turn.role in log.roles else log.roles[0]
    return [as_seen(one, role) for one in log.turns[: index + 1]]


def _chat(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    for name in ("tool_call_id", "name"):
        if (value := getattr(message, name)) is not None:
            found[name] = value
    return found


def _shared(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> int:
    """How many messages both begin with; at least the last of each stays its own."""
    count = 0
    while count < min(len(a), len(b)) - 1 and a[count] == b[count]:
        count += 1
    return count


def _span(source: Source, word: Annotation) -> str | None:
    """The words that a note is on."""
    target = word.target
    if word.start is None or word.end is None or target.episode is None or target.turn is None:
        return None
    try:
        log = source.episode(source.run(target.run), target.episode).log
    except (MissingError, StoreError):
        return None
    content = log.turns[target.turn].message.content
    parts = [content] if isinstance(content, str) else [getattr(part, "text", "") for part in content]
    parts = [part for part in parts if part]
    place = word.part or 0
    if place >= len(parts):
        return None
    units = wire.mend(parts[place]).encode("utf-16-le")
    return units[2 * word.start : 2 * word.end].decode("utf-16-le", "replace")


def _line(value: dict[str, Any]) -> bytes:
    return wire.encode(value) + b"\n"
