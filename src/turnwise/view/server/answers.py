"""Answers: a record as JSON, bytes as what they are, and one line for whatever went wrong."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from turnwise import wire
from turnwise.errors import CapabilityError, ConfigError, StoreError, TaskError, TurnwiseError
from turnwise.view.reading.errors import ForbiddenError, MissingError, RefusedError
from turnwise.view.server import shapes as s

Code: TypeAlias = Literal[
    "bad_request", "unauthorized", "forbidden", "not_found", "conflict", "too_large", "store", "failed"
]
STATUS: dict[Code, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "failed": 500,
    "store": 503,
}
_encoder = msgspec.json.Encoder()
_log = logging.getLogger("turnwise.view")
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp")
"""What a browser decodes and never runs; SVG is not among them."""
_PLAYED = ("audio/", "video/")
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
"""For a picture of ours that somebody opens by itself."""


def record(value: s.Reply, status: int = 200) -> Response:
    """A record as JSON."""
    try:
        data = _encoder.encode(value)
    except UnicodeEncodeError:
        # Half of a surrogate pair somewhere in what a model wrote.
        data = wire.encode(msgspec.to_builtins(value))
    return Response(data, status, media_type="application/json", headers={"cache-control": "no-store"})


def problem(code: Code, message: str) -> Response:
    """Why not, in one line."""
    return record(s.Problem(code=code, message=" ".join(wire.mend(message).split())[:1_000]), STATUS[code])


def picture(data: bytes, media_type: str) -> Response:
    """A picture that we drew; its address changes with it."""
    headers = {"content-security-policy": _ALONE, "cache-control": "private, max-age=3600"}
    return Response(data, media_type=media_type, headers=headers)


def media(data: bytes, media_type: str, requested: str | None) -> Response:
    """Bytes that came with a message: shown where a browser cannot run them, else saved as a file.

    Args:
        data: All of them.
        media_type: What the message says they are.
        requested: The `Range` that was asked for.
    """
    kind = media_type.partition(";")[0].strip().lower()
    shown = kind in _IMAGES or kind.startswith(_PLAYED)
    headers = {
        "content-security-policy": "default-src 'none'; sandbox",
        "cache-control": "private, max-age=31536000, immutable",
        "accept-ranges": "bytes",
    }
    if not shown or not kind.isascii() or not all(sign.isalnum() or sign in "/.+-" for sign in kind):
        kind = "application/octet-stream"
        headers["content-disposition"] = "attachment"
    part = _range(requested, len(data))
    if part is None:
        return Response(data, media_type=kind, headers=headers)
    first, last = part
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, media_type=kind, headers=headers)


def failure(error: Exception) -> Response:
    """What an exception means to who asked."""
    if isinstance(error, MissingError):
        return problem("not_found", str(error))
    if isinstance(error, ForbiddenError):
        return problem("forbidden", str(error))
    if isinstance(error, RefusedError):
        return problem("conflict", str(error))
    if isinstance(error, StoreError):
        cause = error.__cause__
        code: Code = (
            "not_found" if cause is None else "store" if isinstance(cause, SQLAlchemyError) else "failed"
        )
        return problem(code, str(error))
    if isinstance(error, (ConfigError, TaskError, CapabilityError)):
        return problem("bad_request", str(error))
    if isinstance(error, TurnwiseError):
        return problem("failed", str(error))
    if isinstance(error, RecursionError):
        return problem("bad_request", "what was asked, or what is stored, is nested too deep")
    _log.error("the viewer failed", exc_info=error)
    return problem("failed", f"the viewer failed: {type(error).__name__}; its terminal says where")


def _range(requested: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a simple `bytes=a-b`; None sends everything."""
    unit, _, ends = (requested or "").partition("=")
    first, dash, last = ends.strip().partition("-")
    if unit.strip() != "bytes" or not dash or not size or not (first + last).isdigit() or len(ends) > 40:
        return None
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    return (start, end) if start <= end < size else None


def plain(text: str, status: int = 200) -> Response:
    """A line of text."""
    return Response(text + "\n", status, media_type="text/plain; charset=utf-8")
