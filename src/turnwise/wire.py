"""The one JSON form: every stored struct is a `Record`, and fields this version does not know are kept.

Encoding is plain msgspec. Decoding keeps unknown fields of any struct in its `unknown` attribute, and
`encode` writes them back where they stood, so that an older Turnwise can pass on what a newer one wrote.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

VERSION = 1
"""Version of the stored form. It rises only when an older reader would misread, not when fields are added."""

# JSON key under which msgspec itself sees `unknown`: a non-character; `encode` never lets it out.
_KEEP = "\ufdd0unknown"
_MARK = f'"{_KEEP}":'.encode()
_RARE = _MARK[1]
"""A byte of it that most texts lack, which is looked for far quicker."""


class Record(msgspec.Struct, omit_defaults=True, frozen=True, kw_only=True):
    """Base of all stored structs: immutable, defaults left out of the JSON, unknown fields kept."""

    unknown: dict[str, Any] | None = msgspec.field(default=None, name=_KEEP)


T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode(value: Any) -> bytes:
    """`value` (a Record, or lists and dicts of them) as JSON; halves of surrogate pairs become U+FFFD."""
    try:
        data = _encoder.encode(value)
        if _RARE in data and _MARK in data:
            with _room():
                data = _encoder.encode(_flatten(value))
    except UnicodeEncodeError:
        with _room():
            data = _encoder.encode(_flatten(value, mend))
    return data


@contextmanager
def _room() -> Generator[None]:
    """Room for calls of ours within calls: what msgspec has read or written is never as deep as this."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + 4_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def mend(text: str) -> str:
    """`text` with each half of a surrogate pair, which is no Unicode, replaced by U+FFFD."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def decode(data: bytes | str, as_type: type[T]) -> T:
    """The value of type `as_type` that `data` holds, unknown fields kept.

    Raises:
        msgspec.ValidationError: naming the path of the first value that does not fit.
        msgspec.DecodeError: where `data` is not JSON.
    """
    value = cast("T", _decoder(as_type).decode(data))
    if not _is_all(value, data):
        _attach(msgspec.json.decode(data), value)
    return value


def from_builtins(raw: Any, as_type: type[T]) -> T:
    """Like `decode`, from parsed JSON."""
    value = msgspec.convert(raw, as_type)
    _attach(raw, value)
    return value


@cache
def _decoder(as_type: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(as_type)


def _is_all(value: Any, data: bytes | str) -> bool:
    """Whether a value holds all of the data it was read from: what encodes to the same lost nothing."""
    try:
        return _encoder.encode(value) == (data.encode() if isinstance(data, str) else data)
    except UnicodeEncodeError:
        return False


def _attach(raw: Any, value: Any) -> None:
    if isinstance(value, Record):
        names = _names(type(value))
        unknown: dict[str, Any] = {}
        for key, item in cast("dict[str, Any]", raw).items():
            name = names.get(key)
            if name is None:
                unknown[key] = item
            elif item.__class__ is dict or item.__class__ is list:
                _attach(item, getattr(value, name, None))
        if unknown:
            msgspec.structs.force_setattr(value, "unknown", unknown)
    elif isinstance(value, (list, tuple)):
        for raw_item, item in zip(cast("list[Any]", raw), cast("list[Any]", value), strict=True):
            if raw_item.__class__ is dict or raw_item.__class__ is list:
                _attach(raw_item, item)
    elif isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            if isinstance(item, (Record, list, tuple, Mapping)):
                _attach(raw[key], item)


@cache
def _names(kind: type[Record]) -> dict[str, str]:
    """The known keys of a record's JSON, and the attributes that hold them; a tag is held by none."""
    fields = msgspec.structs.fields(kind)
    names = {field.encode_name: field.name for field in fields if field.name != "unknown"}
    tag = kind.__struct_config__.tag_field
    return names if tag is None else {**names, tag: ""}


def _flatten(value: Any, text: Callable[[str], str] | None = None) -> Any:
    """Builtins that encode as `value` does, unknown fields where they stood, and `text` over all texts."""
    if isinstance(value, Record):
        config = type(value).__struct_config__
        out: dict[str, Any] = {}
        if config.tag_field is not None and config.tag is not None:
            out[config.tag_field] = config.tag
        for field in msgspec.structs.fields(type(value)):
            if field.name == "unknown":
                continue
            item = getattr(value, field.name)
            # The rule by which msgspec itself leaves defaults out.
            if field.default_factory is not msgspec.NODEFAULT:
                default = field.default_factory is type(item) and not item
            else:
                default = field.default is item
            if not default:
                out[field.encode_name] = _flatten(item, text)
        return out | _flatten(value.unknown or {}, text)
    if isinstance(value, (list, tuple)):
        return [_flatten(item, text) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {_flatten(key, text): _flatten(item, text) for key, item in items}
    return text(value) if text is not None and isinstance(value, str) else value
