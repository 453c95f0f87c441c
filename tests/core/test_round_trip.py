"""The one JSON form: whole logs round-trip exactly, unknown newer fields are kept, newer versions refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwise import wire
from turnwise.log import (
    Branch,
    Call,
    Effect,
    EpisodeLog,
    Failure,
    Note,
    Reward,
    Segment,
    Stop,
    Turn,
)
from turnwise.message import Audio, File, Image, Message, Text, ToolCall, ToolSpec, Video
from turnwise.model import Sampling, Usage

text = st.text(max_size=12)
small = st.integers(0, 10**6)
number = st.floats(allow_nan=False, allow_infinity=False)
maybe_text = st.none() | text
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
json_objects = st.dictionaries(text, json_values, max_size=3)


def tuples(items: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, max_size=most).map(tuple)


def media(kind: type[Any]) -> st.SearchStrategy[Any]:
    common = {
        "media_type": st.sampled_from(("image/png", "audio/wav", "application/pdf")),
        "name": maybe_text,
    }
    inline = st.builds(kind, data=st.binary(max_size=40), **common)
    by_hash = st.builds(
        kind, sha256=st.binary(max_size=8).map(lambda b: hashlib.sha256(b).hexdigest()), **common
    )
    return inline | by_hash


parts = st.one_of(st.builds(Text, text=text), *(media(kind) for kind in (Image, Audio, Video, File)))
tool_calls = st.builds(ToolCall, id=text, name=text, arguments=text)
messages = st.builds(
    Message,
    role=st.sampled_from(("system", "user", "assistant", "tool")),
    content=text | tuples(parts),
    tool_calls=tuples(tool_calls),
    tool_call_id=maybe_text,
    name=maybe_text,
    reasoning=maybe_text,
    provider=st.none() | json_objects,
)
usages = st.builds(Usage, input=small, output=small, cached=small, reasoning=small, cost=number)
samplings = st.builds(
    Sampling, temperature=st.none() | number, stop=tuples(text), logprobs=st.booleans(), extra=json_objects
)
ids = st.none() | tuples(small)
calls = st.builds(
    Call,
    role=st.sampled_from(("agent", "user", "judge")),
    n=small,
    parent=st.none() | small,
    added=tuples(small | messages),
    message=st.none() | messages,
    finish=text,
    model=maybe_text,
    version=maybe_text,
    usage=st.none() | usages,
    sampling=st.none() | samplings,
    tools=st.none() | small,
    added_ids=ids,
    sampled_ids=ids,
    logprobs=st.none() | tuples(number),
    error=maybe_text,
    error_kind=maybe_text,
)
turns = st.builds(
    Turn,
    index=small,
    role=text,
    message=messages,
    to=tuples(text),
    calls=tuples(small),
    parent=st.none() | small,
)
effects = st.builds(Effect, key=text, n=small, at=small, value=json_values, error=maybe_text)
rewards = st.builds(Reward, value=st.none() | number, role=maybe_text, turn=st.none() | small, name=text)
notes = st.builds(Note, value=json_values, turn=st.none() | small, name=text)
toolsets = tuples(st.builds(ToolSpec, name=text, description=text, parameters=json_objects), 2)
body = {
    "turns": tuples(turns),
    "calls": tuples(calls),
    "effects": tuples(effects),
    "rewards": tuples(rewards),
    "notes": tuples(notes),
    "metrics": st.dictionaries(text, number, max_size=2),
    "toolsets": tuples(toolsets, 2),
}
logs = st.builds(
    EpisodeLog,
    environment=text,
    settings=json_objects,
    roles=st.just(("agent", "user", "judge")),
    task=json_objects,
    epoch=small,
    seed=st.integers(0, 2**63 - 1),
    agents=st.dictionaries(text, text, max_size=2),
    branches=tuples(st.builds(Branch, turns=small, effects=small, seed=st.none() | small)),
    stop=st.none() | st.sampled_from(Stop),
    detail=maybe_text,
    error=st.none() | st.builds(Failure, type=text, message=text, traceback=text),
    **body,
)
WHOLE = settings(max_examples=60, deadline=None)


@WHOLE
@given(logs)
def test_a_log_round_trips_exactly(log: EpisodeLog) -> None:
    data = log.to_json()
    again = EpisodeLog.from_json(data)
    assert again == log
    assert again.to_json() == data
    assert json.loads(data)["version"] == wire.VERSION


@pytest.mark.parametrize(
    ("kind", "values"),
    [(Message, messages), (Call, calls), (Turn, turns), (Segment, st.builds(Segment, **body))],
)
@WHOLE
@given(data=st.data())
def test_every_part_round_trips_alone(kind: type[Any], values: Any, data: Any) -> None:
    value = data.draw(values)
    encoded = wire.encode(value)
    again = wire.decode(encoded, kind)
    # A segment's lists come back as lists; the JSON is what counts.
    assert again == value or wire.encode(again) == encoded
    assert wire.encode(again) == encoded


def test_every_kind_of_content_has_a_plain_form() -> None:
    message = Message(
        role="user",
        content=(
            Text(text="look"),
            Image(media_type="image/png", data=b"\x00\xff"),
            File(media_type="a/b", sha256="ab"),
        ),
    )
    assert json.loads(wire.encode(message)) == {
        "role": "user",
        "content": [
            {"type": "text", "text": "look"},
            {"type": "image", "media_type": "image/png", "data": "AP8="},
            {"type": "file", "media_type": "a/b", "sha256": "ab"},
        ],
    }
    assert message.text == "look"
    image = message.content[1]
    assert isinstance(image, Image)
    assert image.digest == hashlib.sha256(b"\x00\xff").hexdigest()


FREE = {"settings", "task", "agents", "metrics", "parameters", "extra", "provider", "value"}
"""Keys whose objects are data, not records."""


def sprinkle(raw: Any, draw: Any) -> Any:
    """`raw` with fields no version knows in some of its records."""
    if isinstance(raw, list):
        return [sprinkle(item, draw) for item in raw]
    if not isinstance(raw, dict):
        return raw
    out = {key: item if key in FREE else sprinkle(item, draw) for key, item in raw.items()}
    if draw(st.booleans()):
        out["newer"] = draw(json_values)
        out["unknown"] = draw(json_values)
    return out


@WHOLE
@given(logs, st.data())
def test_unknown_fields_are_kept_at_every_level(log: EpisodeLog, data: Any) -> None:
    raw = sprinkle(json.loads(log.to_json()), data.draw)
    read = EpisodeLog.from_json(json.dumps(raw))
    assert json.loads(read.to_json()) == raw
    assert EpisodeLog.from_json(read.to_json()) == read


def test_unknown_fields_survive_the_fold() -> None:
    segment = wire.decode(b'{"turns":[{"index":0,"message":{"role":"user","newer":1},"shape":"x"}]}', Segment)
    log = EpisodeLog(environment="e", task={"id": "0"}).extended([segment])
    turn = json.loads(log.to_json())["turns"][0]
    assert turn == {"index": 0, "message": {"role": "user", "newer": 1}, "shape": "x"}


def test_a_newer_version_is_refused_in_one_line() -> None:
    raw = json.loads(EpisodeLog(environment="e", task={"id": "0"}).to_json())
    with pytest.raises(msgspec.ValidationError, match=r"version 99.*up to 1.*update turnwise") as caught:
        EpisodeLog.from_json(json.dumps(raw | {"version": 99}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"version":1,"environment":"e"}', r"missing required field `task`"),
        ('{"version":1,"environment":"e","task":{},"turns":[{"index":"x"}]}', r"\$\.turns\[0\]\.index"),
        ('{"version":1,"environment":"e","task":{},"stop":"bored"}', r"\$\.stop"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(raw: str, said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        EpisodeLog.from_json(raw)


@given(st.text(alphabet=st.characters(categories=("Cs", "Lu")), max_size=8))
def test_text_that_is_no_unicode_can_be_stored(broken: str) -> None:
    """Half of a surrogate pair, as a cut-off answer may end in: the rest of the text is kept."""
    kept = wire.decode(wire.encode(Text(text=broken)), Text).text
    assert kept == "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in broken)


@pytest.mark.parametrize("depth", [100, 700, 900])
def test_however_deep_it_is_what_is_no_text_is_mended(depth: int) -> None:
    value: Any = "cut \ud800"
    for _ in range(depth):
        value = [value]
    note = wire.decode(wire.encode(Note(value=value)), Note)
    assert str(note.value).strip("[]'") == "cut \ufffd"
