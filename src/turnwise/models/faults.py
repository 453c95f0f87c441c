"""What hosted endpoints do wrong, as one kind of error with one line of text."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Any, cast

from turnwise.errors import ModelError

_KINDS = {
    400: "bad_request",
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    413: "context_length",
    422: "bad_request",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
_RETRYABLE = {408, 409, 429}
_TOO_LONG = re.compile(
    r"context.?length|maximum context|too many tokens|prompt is too long|input token count", re.IGNORECASE
)
_NO_MONEY = re.compile(r"insufficient_quota|billing|credit balance", re.IGNORECASE)


def of_status(
    model: str, place: str, status: int, text: str, headers: Mapping[str, str] | None = None
) -> ModelError:
    """The error for an HTTP status."""
    kind = _KINDS.get(status, "server" if status >= 500 else "bad_request")
    retryable = status >= 500 or status in _RETRYABLE
    if status in (400, 413, 422) and _TOO_LONG.search(text):
        kind = "context_length"
    if status == 429 and _NO_MONEY.search(text):
        kind, retryable = "auth", False
    return ModelError(
        f"{model}: {place} answered {status}: {brief(text)}",
        kind=kind,
        retryable=retryable,
        retry_after=retry_after(headers or {}),
    )


def malformed(model: str, place: str, what: str) -> ModelError:
    """The error for an answer that is not what the protocol says; the next one may be."""
    return ModelError(f"{model}: {place} answered with {what}", kind="malformed", retryable=True)


def unreachable(model: str, place: str, why: BaseException) -> ModelError:
    """The error for an endpoint that cannot be reached, or hangs up."""
    reason = why
    while reason.__cause__ is not None:
        reason = reason.__cause__
    text = brief(str(reason)) or type(reason).__name__
    return ModelError(f"{model}: cannot reach {place}: {text}", kind="connection", retryable=True)


def late(model: str, place: str) -> ModelError:
    """The error for an endpoint that does not answer in time."""
    return ModelError(f"{model}: {place} did not answer in time", kind="timeout", retryable=True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `Retry-After` in seconds or as a date, or `retry-after-ms`."""
    if milliseconds := headers.get("retry-after-ms"):
        try:
            return max(0.0, float(milliseconds) / 1000)
        except ValueError:
            pass
    text = headers.get("retry-after")
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def brief(text: str, width: int = 200) -> str:
    """The beginning of a server's words, on one line; a page of HTML by its title."""
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    if title or re.match(r"\s*<(!doctype|html)", text, re.IGNORECASE):
        text = f"an HTML page ({title[1].strip()})" if title else "an HTML page"
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[:width]}..."


def words_of(error: Any) -> str:
    """The server's own words in an SDK's status error."""
    body = getattr(error, "body", None)
    inner: Any = cast("dict[str, Any]", body).get("error", body) if isinstance(body, dict) else None
    message: Any = cast("dict[str, Any]", inner).get("message") if isinstance(inner, dict) else inner
    if message:
        return str(message)
    response = getattr(error, "response", None)
    return str(getattr(response, "text", "") or error)
