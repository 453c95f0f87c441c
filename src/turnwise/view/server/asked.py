"""What a request asks, read and checked; and the handlers by the names of their endpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote

import msgspec
from starlette.requests import Request

from turnwise.errors import ConfigError
from turnwise.view.reading.errors import ForbiddenError
from turnwise.view.server import shapes as s
from turnwise.view.server.endpoints import Endpoint
from turnwise.view.server.viewer import Viewer

Q = TypeVar("Q", bound=s.Asked)
_KINDS = {"integer": int, "number": float, "boolean": bool}
F = TypeVar("F", bound=Callable[..., Any])


class Ask(NamedTuple):
    """One request to one endpoint."""

    viewer: Viewer
    place: Mapping[str, str]
    """What stands for the names in the path."""
    query: Any
    """Of the endpoint's own type."""
    body: Any
    request: Request

    def number(self, name: str) -> int:
        """A number in the path; one that is none names nothing.

        Raises:
            ConfigError: it is none.
        """
        text = self.place[name]
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ConfigError(f"{name}: expected a number, got {text[:40]!r}")
        return int(text)


HANDLERS: dict[str, Callable[[Ask], Any]] = {}
"""By the endpoint's name. One that is a coroutine function runs in the event loop, others in threads."""


def handles(name: str) -> Callable[[F], F]:
    """Register a handler."""

    def register(function: F) -> F:
        HANDLERS[name] = function
        return function

    return register


async def read(viewer: Viewer, endpoint: Endpoint, request: Request) -> Ask:
    """A request, checked against its endpoint.

    Raises:
        ConfigError: naming the parameter or key that does not fit, and what was expected.
        ForbiddenError: a change is asked for in another form than JSON.
    """
    place = {name: _clean(unquote(value)) for name, value in request.path_params.items()}
    given = {name: _clean(value) for name, value in request.query_params.items() if name != "token"}
    query = _converted(_typed(given, endpoint.query), endpoint.query, "query")
    body = None
    if endpoint.method == "POST" and not _is_json(request):
        # A form of another page can be sent without asking; what says that it is JSON cannot.
        raise ForbiddenError("expected Content-Type: application/json")
    if endpoint.body is not None:
        try:
            raw = msgspec.json.decode(await request.body() or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(f"the body is no JSON: {error}") from None
        body = _converted(raw, endpoint.body, "body")
    return Ask(viewer, place, query, body, request)


def _typed(given: Mapping[str, str], as_type: type[s.Asked]) -> dict[str, Any]:
    """A query's texts as what its fields are: numbers and truths. A text stays one, even `null`."""
    kinds = _plain(as_type)
    typed: dict[str, Any] = {}
    for name, text in given.items():
        kind = kinds.get(name, str)
        typed[name] = text
        if kind is not str and text.lower() != "null":
            with contextlib.suppress(msgspec.ValidationError):
                typed[name] = msgspec.convert(text, kind, strict=False)
    return typed


@cache
def _plain(as_type: type[s.Asked]) -> dict[str, Any]:
    """The fields of a query that are no texts, and what they are."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(as_type):
        schema = msgspec.json.schema(field.type)
        types = [part.get("type") for part in schema.get("anyOf", [schema])]
        for word, kind in _KINDS.items():
            if word in types:
                found[field.name] = kind
    return found


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _converted(raw: Any, as_type: type[Q], where: str) -> Q:
    try:
        return msgspec.convert(raw, as_type)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None


def _clean(text: str) -> str:
    """Without what no database takes."""
    return text.replace("\0", "\ufffd")
