"""What the clients of all vendors' SDKs share: how long they live, wait for a connection, and read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

CONNECT_SECONDS = 15.0
"""Longest wait for a connection. How long an answer may take is the gateway's to say."""
RESPONSE_LIMIT = 64 * 2**20
"""Most bytes of one response, unpacked; a reply beyond it is endless."""


class Client:
    """The client of an SDK, made when it is first asked for: its connections belong to one event loop.

    So a model made once in Python serves several runs one after the other, each of which closes it.

    Args:
        make: Makes a client.
        shut: Closes one.
    """

    __slots__ = ("_client", "_loop", "_make", "_shut")

    def __init__(self, make: Callable[[], Any], shut: Callable[[Any], Awaitable[None]]) -> None:
        self._make = make
        self._shut = shut
        self._client: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> Any:
        """The client of the running event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._client, self._loop = self._make(), loop
        return self._client

    async def close(self) -> None:
        """Close it; the next call makes another."""
        client, loop = self._client, self._loop
        self._client = self._loop = None
        if loop is asyncio.get_running_loop():
            await self._shut(client)


def stainless(sdk: Any, kind: str, url: str, key: str | None, headers: dict[str, str]) -> Client:
    """The client `kind` of an SDK that Stainless generates, as OpenAI's and Anthropic's are.

    Args:
        sdk: The module.
        kind: Name of the class.
        url: Where to send to.
        key: Sent to say who asks; where there is none, a word that means nothing.
        headers: Sent with every request.
    """

    def make() -> Any:
        return getattr(sdk, kind)(
            api_key=key or "none",
            base_url=url,
            max_retries=0,
            timeout=sdk.Timeout(None, connect=CONNECT_SECONDS),
            default_headers=headers,
            http_client=sdk.DefaultAsyncHttpxClient(event_hooks={"response": [bounded]}),
        )

    return Client(make, lambda client: client.close())


class EndlessError(Exception):
    """A response went on beyond all measure."""


async def bounded(response: Any) -> None:
    """Response hook of an httpx client: read the body, up to `RESPONSE_LIMIT`.

    Raises:
        EndlessError: it is longer; what came is dropped, and the connection closed.
    """
    size = 0
    chunks: list[bytes] = []
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > RESPONSE_LIMIT:
            await response.aclose()
            raise EndlessError(f"more than {RESPONSE_LIMIT >> 20} MiB: an endless reply")
        chunks.append(chunk)
    # As `aread` leaves it, so that whoever reads the response after this finds all of it.
    response._content = b"".join(chunks)
