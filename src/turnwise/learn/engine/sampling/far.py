"""HTTP to a sampling server: asked from the event loop for samples, told from any thread of new weights."""

from __future__ import annotations

import re
import socket
import ssl
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from turnwise.errors import ConfigError, ModelError
from turnwise.models.faults import Endpoint, words_of
from turnwise.models.options import key_of
from turnwise.models.transport import CONNECT_SECONDS, Client, EndlessError, bounded

_READ_SECONDS = 600.0
"""Longest wait for an answer."""


class Far:
    """A server.

    Args:
        name: What errors call it.
        url: Where it is, without `/v1`.
        key: Environment variable of its key; it may need none.

    Raises:
        ConfigError: `url` is none.
    """

    def __init__(self, name: str, url: str, key: str) -> None:
        if not re.fullmatch(r"https?://[^/@?#\s]+(/[^@?#\s]*)?", url):
            raise ConfigError(f"server: expected an address such as http://localhost:8000, got {url!r}")
        self.url = url.rstrip("/").removesuffix("/v1")
        secret = key_of(name, None, (key,), needed=False)
        self._endpoint = Endpoint(name, self.url, [secret])
        self._headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        self._timeout = httpx.Timeout(_READ_SECONDS, connect=CONNECT_SECONDS)
        self._client = Client(self._connect, lambda client: client.aclose())

    def _connect(self) -> httpx.AsyncClient:
        # As many connections as there are episodes: the server itself knows how many it works on at once.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        hooks = {"response": [bounded]}
        return httpx.AsyncClient(
            headers=self._headers,
            timeout=self._timeout,
            limits=limits,
            event_hooks=hooks,
            verify=_certificates(),
        )

    async def ask(self, path: str, body: Any = None) -> dict[str, Any]:
        """POST `body`, or GET where there is none; the JSON object that was answered.

        Raises:
            ModelError: the server cannot be reached, refuses, or answers something else.
        """
        client: httpx.AsyncClient = self._client()
        try:
            response = await client.request("GET" if body is None else "POST", self.url + path, json=body)
        except EndlessError as error:
            raise self._endpoint.malformed(str(error)) from None
        except httpx.HTTPError as error:
            raise self._endpoint.unreachable(error) from None
        return self._read(response)

    def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`; in any thread.

        Raises:
            ModelError: see `ask`.
        """
        return self._now("GET", path, None)

    def tell(self, path: str, body: Any = None) -> dict[str, Any]:
        """POST `body`, and wait; in any thread. What is answered in words has no fields.

        Raises:
            ModelError: see `ask`.
        """
        return self._now("POST", path, body)

    def malformed(self, what: str) -> ModelError:
        """The error for an answer that is not what the protocol says, and will not be next time either."""
        return ModelError(str(self._endpoint.malformed(what)), kind="malformed")

    async def close(self) -> None:
        """Close connections."""
        await self._client.close()

    def _now(self, method: str, path: str, body: Any) -> dict[str, Any]:
        try:
            response = httpx.request(
                method,
                self.url + path,
                json=body,
                headers=self._headers,
                timeout=self._timeout,
                verify=_certificates(),
            )
        except httpx.HTTPError as error:
            raise self._endpoint.unreachable(error) from None
        return self._read(response, words=method == "POST")

    def _read(self, response: httpx.Response, *, words: bool = False) -> dict[str, Any]:
        if response.status_code >= 400:
            try:
                told = words_of(msgspec.json.decode(response.content))
            except (msgspec.DecodeError, UnicodeDecodeError):
                told = response.text
            raise self._endpoint.status(response.status_code, told, response.headers)
        if words and not response.content.lstrip().startswith(b"{"):
            return {}
        return self._endpoint.parse(response.content)


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; read once, because it takes longer than a request."""
    return httpx.create_ssl_context()


def own_address(url: str) -> str:
    """The address by which the machine at `url` reaches this one.

    Raises:
        ConfigError: there is no way to it.
    """
    parts = urlsplit(url)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            # Nothing is sent: the system only says which way it would go.
            probe.connect((parts.hostname or "localhost", parts.port or 80))
            return str(probe.getsockname()[0])
    except OSError as error:
        raise ConfigError(f"no way from here to {url}: {error}") from None


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
