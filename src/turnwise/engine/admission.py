"""The door to a model: one first-come queue in front of the slots and the rates.

The head of the queue enters when a slot is free and both buckets hold what it needs; nobody overtakes it, so
a large call is never starved by small ones. Each event (a slot given back, the instant a bucket has refilled)
wakes exactly those calls that may enter; nothing polls.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import TypeAlias

from turnwise.engine.adaptive import AdaptiveLimit
from turnwise.engine.rates import Bucket, Expected
from turnwise.errors import CapabilityError

Expect: TypeAlias = Callable[[], Expected]
"""What a call is expected to use, asked when its turn comes: by then more is known than when it queued up."""


class Permit:
    """One call that is inside: its slot, and what it took from the buckets."""

    __slots__ = ("entered", "expected", "loop", "window")

    def __init__(
        self, expected: Expected, window: int, entered: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.expected = expected
        self.window = window
        """The limit's window in which it came in."""
        self.entered = entered
        """When, by the loop's clock."""
        self.loop = loop


class _Waiter:
    __slots__ = ("expect", "future", "gone", "permit")

    def __init__(self, expect: Expect, future: asyncio.Future[None]) -> None:
        self.expect = expect
        self.future = future
        self.permit: Permit | None = None
        self.gone = False


class Admission:
    """Slots (`limit`) and buckets behind one queue. It may be made outside an event loop.

    Args:
        limit: How many may be inside at once.
        requests: Takes one unit a call; None sets no limit.
        tokens: Takes the tokens of a call; None sets no limit.
    """

    def __init__(self, limit: AdaptiveLimit, requests: Bucket | None, tokens: Bucket | None) -> None:
        self.limit = limit
        self.in_flight = 0
        self.waiting = 0
        self._requests = requests
        self._tokens = tokens
        self._tickets = 0
        self._queue: list[tuple[int, int, _Waiter]] = []
        self._entries = 0
        self._shut_until: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def ticket(self) -> int:
        """A place in the queue. A call keeps its own over its retries: what has begun is finished first."""
        self._tickets += 1
        return self._tickets

    def attach(self) -> asyncio.AbstractEventLoop:
        """The running loop, to which the queue now belongs; what a loop before it left behind is dropped.

        Raises:
            CapabilityError: where another loop is still running with it.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            if self._loop is not None and self._loop.is_running():
                raise CapabilityError(
                    "a gateway serves one event loop at a time: make one gateway for each loop"
                )
            self._loop = loop
            self._queue = []
            self._timer = None
            self._shut_until = None
            self.in_flight = 0
            self.waiting = 0
        return loop

    async def enter(self, ticket: int, expect: Expect) -> Permit:
        """Wait for a slot and for what the call is expected to use. Every permit must be given to `leave`."""
        loop = self.attach()
        if not self._queue:
            expected = expect()
            if self._shut_for(expected, now := loop.time()) == 0.0:
                return self._admit(expected, now, loop)
        return await self._stand(ticket, expect, loop)

    def leave(self, permit: Permit, used: float) -> None:
        """Give back the slot, and correct the tokens to those `used`."""
        if permit.loop is not self._loop:
            return
        self.in_flight -= 1
        if self._tokens is not None and used != permit.expected.total:
            self._tokens.put(permit.expected.total - used, permit.loop.time())
        if self._queue:
            self._pump()

    def hold(self, seconds: float) -> None:
        """Let nobody in for so long; calls inside go on."""
        until = self.attach().time() + seconds
        if self._shut_until is None or until > self._shut_until:
            self._shut_until = until

    async def _stand(self, ticket: int, expect: Expect, loop: asyncio.AbstractEventLoop) -> Permit:
        waiter = _Waiter(expect, loop.create_future())
        self._entries += 1
        heapq.heappush(self._queue, (ticket, self._entries, waiter))
        self.waiting += 1
        # A retry may stand before the present head and enter now.
        self._pump()
        try:
            await waiter.future
        except BaseException:
            self._withdraw(waiter, loop)
            raise
        assert waiter.permit is not None
        return waiter.permit

    def _withdraw(self, waiter: _Waiter, loop: asyncio.AbstractEventLoop) -> None:
        if loop is not self._loop:
            return
        if waiter.permit is None:
            waiter.gone = True
            self.waiting -= 1
            self._pump()
        else:
            # Let in and cancelled before it could send anything: all goes back.
            if self._requests is not None:
                self._requests.put(1.0, loop.time())
            self.leave(waiter.permit, 0.0)

    def _pump(self) -> None:
        """Let in all who may; set the timer for the head where only time is missing."""
        if self._loop is None or self._loop.is_closed():
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        queue = self._queue
        while queue:
            waiter = queue[0][2]
            if not (waiter.gone or waiter.future.done()):
                now = self._loop.time()
                expected = waiter.expect()
                wait = self._shut_for(expected, now)
                if wait is None:
                    return
                if wait > 0.0:
                    self._timer = self._loop.call_at(now + wait, self._pump)
                    return
                waiter.permit = self._admit(expected, now, self._loop)
                waiter.future.set_result(None)
                self.waiting -= 1
            heapq.heappop(queue)

    def _shut_for(self, expected: Expected, now: float) -> float | None:
        """Seconds until the rates let such a call in, 0 for at once; None until a slot is given back."""
        if self.in_flight >= self.limit.value:
            return None
        wait = 0.0
        if self._shut_until is not None:
            wait = self._shut_until - now
            if wait <= 0.0:
                self._shut_until = None
                wait = 0.0
        if self._requests is not None:
            wait = max(wait, self._requests.wait(1.0, now))
        if self._tokens is not None:
            wait = max(wait, self._tokens.wait(expected.total, now))
        return wait

    def _admit(self, expected: Expected, now: float, loop: asyncio.AbstractEventLoop) -> Permit:
        self.in_flight += 1
        if self._requests is not None:
            self._requests.take(1.0, now)
        if self._tokens is not None:
            self._tokens.take(expected.total, now)
        return Permit(expected, self.limit.window, now, loop)
