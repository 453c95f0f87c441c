"""Who may ask, and what a browser may do with the answer.

The viewer shows what models wrote, on the machine of somebody who is logged in elsewhere in the same browser.
So a request must name this very server (`Host`: no DNS rebinding), one that changes something must come from
its own page (`Origin`), and a page may load nothing but what the server sends (the content policy). Whoever
listens beyond loopback asks for a token, too.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from turnwise.view.server.answers import problem

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere."""
_HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
COOKIE = "turnwise-token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST = 4 << 20
"""Bytes of a request's body."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    return host in LOOPBACK or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))


class Guard:
    """Around an application.

    Args:
        app: What is guarded.
        token: What whoever asks must show, where it is needed.
        hosts: Names by which the server may be called; None takes any (then there must be a token).
    """

    def __init__(
        self, app: App, *, token: str | None = None, hosts: tuple[str, ...] | None = LOOPBACK
    ) -> None:
        self.app = app
        self.token = token
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # As it was sent: `%2F` within a name is not a slash of the path.
        scope["path"] = scope.get("raw_path", scope["path"].encode()).partition(b"?")[0].decode("latin-1")
        refusal = self._refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        await self.app(scope, _limited(scope, receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get("host", "")
        name = _hostname(host)
        if self.hosts is not None and name not in self.hosts:
            return problem(
                "forbidden", f"this viewer is not called {name[:80]!r}: open it by the address it said"
            )
        origin = headers.get("origin")
        if scope["method"] == "POST":
            if origin is not None and not _same(origin, host):
                return problem("forbidden", "this request comes from another page than the viewer's own")
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return problem("forbidden", "this request comes from another page than the viewer's own")
        if _is_long(headers.get("content-length", "0")):
            return problem("too_large", f"a request may have {MOST:,} bytes")
        return None if self.token is None else self._stranger(scope, headers, self.token)

    def _stranger(self, scope: Scope, headers: dict[str, str], token: str) -> Response | None:
        """What to tell who has not shown the token; who shows it in the address gets a cookie for it."""
        if _equal(_cookie(headers.get("cookie", "")), token):
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _equal(given.strip(), token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        shown = dict(query).get("token")
        if shown is None or not _equal(shown, token):
            return problem(
                "unauthorized", "this viewer needs its token: open the address that it said at its start"
            )
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")
        answer = RedirectResponse(quote(path, safe="/%") + (f"?{rest}" if rest else ""), status_code=303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", max_age=30 * 86_400)
        return answer


def _hostname(host: str) -> str:
    """The name in `name:port`."""
    if host.startswith("["):
        name, closed, _ = host[1:].partition("]")
        return name if closed else host
    return host.rpartition(":")[0] if re.search(r":\d*$", host) else host


def _is_long(length: str) -> bool:
    """Whether a body is longer than what is read, by what it says of itself."""
    number = length.isascii() and length.isdigit() and len(length) < 12
    return not number or int(length) > MOST


def _same(origin: str, host: str) -> bool:
    try:
        return urlsplit(origin).netloc.lower() == host.lower() and bool(host)
    except ValueError:
        return False


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _limited(scope: Scope, receive: Receive) -> Receive:
    """A body of unknown length, cut off where it is too long: the application sees a client that left."""
    taken = 0

    async def limited() -> MutableMapping[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > MOST else message

    return limited if scope["method"] not in ("GET", "HEAD") else receive


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *((n, v) for n, v in _HEADERS if n not in given)]
        await send(message)

    return sending
