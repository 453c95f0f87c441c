"""What hosted endpoints do wrong, as one `ModelError` with one line of text that holds no secret."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from turnwise.errors import ModelError
from turnwise.models.transport import CONNECT_SECONDS, EndlessError

_KINDS = {
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    429: "rate_limit",
    503: "overloaded",
    529: "overloaded",
}
_RETRYABLE = {408, 409, 429}
_TOO_LONG = re.compile(
    r"context.?(length|window|limit|size)|maximum model length|too many tokens|prompt is too long"
    r"|input token count|input is too long",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 6
_NO_MONEY = re.compile(r"insufficient_quota|billing_not_active|credit balance", re.IGNORECASE)


class Endpoint:
    """The far end of a model: makes its errors.

    Args:
        model: The model's name.
        url: Where it is.
        secrets: What never appears in a text, also where a server repeats it.
    """

    __slots__ = ("_secrets", "model", "url")

    def __init__(self, model: str, url: str, secrets: Iterable[str | None] = ()) -> None:
        self.model = model
        self.url = url
        # A word of a few letters is no secret, and would be torn out of other words.
        self._secrets = tuple(secret for secret in secrets if secret and len(secret) >= _SHORTEST_SECRET)

    def status(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> ModelError:
        """The error for an HTTP status and what the server said with it."""
        kind = _KINDS.get(status, "server" if status >= 500 else "bad_request")
        retryable = status >= 500 or status in _RETRYABLE
        if status == 413 or (status in (400, 422) and _TOO_LONG.search(words)):
            kind = "context_length"
        if status == 429 and _NO_MONEY.search(words):
            kind, retryable = "auth", False
        return ModelError(
            f"{self.model}: {self.url} answered {status}: {self.brief(words)}",
            kind=kind,
            retryable=retryable,
            retry_after=retry_after(headers or {}),
        )

    def malformed(self, what: str) -> ModelError:
        """The error for an answer that is not what the protocol says; the next one may be."""
        return ModelError(
            f"{self.model}: {self.url} answered with {self.brief(what)}", kind="malformed", retryable=True
        )

    def unreachable(self, why: BaseException | str) -> ModelError:
        """The error for an endpoint that cannot be reached, or hangs up."""
        while isinstance(why, BaseException) and why.__cause__ is not None:
            why = why.__cause__
        text = self.brief(str(why)) or type(why).__name__
        return ModelError(f"{self.model}: cannot reach {self.url}: {text}", kind="connection", retryable=True)

    def brief(self, words: str, width: int = 200) -> str:
        """The beginning of a server's words, on one line, without secrets; a page of HTML by its title."""
        for secret in self._secrets:
            words = words.replace(secret, "[key]")
        title = re.search(r"<title[^>]*>(.*?)</title>", words, re.IGNORECASE | re.DOTALL)
        if page := re.search(r"<(!doctype|html|head|title)\b.*", words, re.IGNORECASE | re.DOTALL):
            words = words[: page.start()] + (
                f"an HTML page ({title[1].strip()})" if title else "an HTML page"
            )
        flat = " ".join(words.split())
        return flat if len(flat) <= width else f"{flat[:width]}..."

    def parse(self, body: bytes) -> dict[str, Any]:
        """The JSON object of a response.

        Raises:
            ModelError: it is none, or tells of an error under the status 200.
        """
        try:
            data: Any = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = body[:4096].decode(errors="replace").strip()
            raise self.malformed(f"what is no JSON: {text or 'nothing'}") from None
        if not isinstance(data, dict):
            raise self.malformed(f"no message: {data!r}")
        answer = cast("dict[str, Any]", data)
        error: Any = answer.get("error")
        code = cast("dict[str, Any]", error).get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and 400 <= code < 600:
            raise self.status(code, words_of(answer))
        return answer

    @contextmanager
    def asking(self, sdk: Any) -> Generator[None]:
        """Turns what the SDK raises (OpenAI's and Anthropic's are made alike) into `ModelError`s."""
        try:
            yield
        except EndlessError as error:
            raise self.malformed(str(error)) from None
        except sdk.APITimeoutError:
            raise self.unreachable(f"no connection in {CONNECT_SECONDS:g} s") from None
        except sdk.APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, EndlessError):
                raise self.malformed(str(cause)) from None
            raise self.unreachable(error) from None
        except sdk.APIStatusError as error:
            words = words_of(error.body) or error.response.text
            raise self.status(error.status_code, words, error.response.headers) from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait: `Retry-After` in seconds or as a date, or `retry-after-ms`."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers.get(name, "")) * unit)
        except ValueError:
            continue
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, date.timestamp() - time.time())


def words_of(body: Any) -> str:
    """What an error's JSON says: its message, and its code where that says more."""
    if not isinstance(body, dict):
        return str(body or "")
    outer = cast("dict[str, Any]", body)
    inner: Any = outer.get("error", outer)
    if not isinstance(inner, dict):
        return str(inner)
    told = cast("dict[str, Any]", inner)
    message = str(told.get("message") or told.get("detail") or "") or str(told)
    code = told.get("code") or told.get("type")
    return f"{message} ({code})" if isinstance(code, str) and code not in message else message
