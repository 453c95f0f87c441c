"""What the HTTP clients of all vendors' SDKs share: how long to wait for a connection, how much to read."""

from __future__ import annotations

from typing import Any

CONNECT_SECONDS = 15.0
"""Longest wait for a connection. How long an answer may take is the gateway's to say."""
RESPONSE_LIMIT = 64 * 2**20
"""Most bytes of one response, unpacked; a reply beyond it is endless."""


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
