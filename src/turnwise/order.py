"""Determinism under concurrency: effects reach the script in the order they were asked for.

A script may ask several roles at once (`asyncio.gather`). Answers arrive in any order and are written down
as they do, but each is handed to the script only when all that were asked for earlier have been, and when
everything the last one set in motion has come to rest. What the script does next therefore depends on the
answers alone, never on their latency, and a resumed or replayed episode takes the same path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

# Rounds of the event loop given to a branch to run on to its next request after it was handed an answer.
# One level of gather takes two or three; nesting deeper than five levels would need more.
_SETTLE = 16


class _Held:
    """A ticket that is held while something is at work."""

    def __init__(self, turnstile: Turnstile, ticket: int) -> None:
        self.turnstile = turnstile
        self.ticket: int | None = ticket


_held: ContextVar[_Held | None] = ContextVar("_held", default=None)


class Turnstile:
    """Lets the holders of tickets 0, 1, 2 … through one at a time, in that order."""

    def __init__(self) -> None:
        self._issued = 0
        self._next = 0
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._void: set[int] = set()
        self.holders: set[asyncio.Task[Any]] = set()
        """The branches that ever held a ticket."""

    def ticket(self) -> int:
        """The next ticket; it must be passed or voided, or nobody after it gets through.

        Who holds one already (a tool at work that asks for something itself) gives it up for the new one,
        for which they would wait forever.
        """
        held = _held.get()
        if held is not None and held.turnstile is self and held.ticket is not None:
            self.void(held.ticket)
            held.ticket = None
        self._issued += 1
        return self._issued - 1

    async def passage(self, ticket: int) -> None:
        """Wait for one's turn, then for all other branches to come to rest."""
        try:
            if ticket != self._next:
                future = asyncio.get_running_loop().create_future()
                self._waiting[ticket] = future
                await future
            for _ in range(_SETTLE):
                await asyncio.sleep(0)
        except BaseException:
            self.void(ticket)
            raise
        self._advance()

    async def in_turn(self, ticket: int, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do something while holding a ticket; its result is handed over in the ticket's turn."""
        held = _Held(self, ticket)
        token = _held.set(held)
        try:
            result = await work()
        except BaseException:
            if held.ticket is not None:
                self.void(held.ticket)
            raise
        finally:
            _held.reset(token)
        if held.ticket is not None:
            await self.passage(held.ticket)
        return result

    async def arrive(self) -> None:
        """Wait for the ticket's turn before the work is over: what it says next is said in its place."""
        held = _held.get()
        if held is not None and held.turnstile is self and held.ticket is not None:
            ticket, held.ticket = held.ticket, None
            await self.passage(ticket)

    def void(self, ticket: int) -> None:
        """Give a ticket back unused (its request was cancelled)."""
        self._waiting.pop(ticket, None)
        if ticket == self._next:
            self._advance()
        elif ticket > self._next:
            self._void.add(ticket)

    def _advance(self) -> None:
        self._next += 1
        while self._next in self._void:
            self._void.discard(self._next)
            self._next += 1
        waiter = self._waiting.pop(self._next, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
