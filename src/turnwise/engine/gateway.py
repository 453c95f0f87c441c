"""The gateway to a remote model: a `Model` round a `Model` that limits, times and retries its calls.

All episodes of a run share one gateway per model. A call takes its place in the queue of `admission`, is sent
under a time-out, and gives back what it held whatever becomes of it; where it failed for a reason that can
pass (`retry`), it waits and takes its old place again. Overload lowers the number of calls in flight
(`adaptive`), and the rates (`rates`) keep to the requests and tokens a minute that the provider grants.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial

import msgspec

from turnwise.engine.adaptive import AdaptiveLimit
from turnwise.engine.admission import Admission, Permit
from turnwise.engine.rates import Bucket, Demand, TokenEstimate, demand_of
from turnwise.errors import ModelError
from turnwise.model import Model, Request, Sample
from turnwise.models.policy import CallPolicy
from turnwise.models.retry import Retries

__all__ = ["CallPolicy", "Gateway", "GatewayStats"]

OVERLOAD = frozenset({"rate_limit", "overloaded", "timeout"})
"""Kinds of error that say the server has too much to do."""
UNREAD = frozenset({"rate_limit", "overloaded", "connection", "auth", "bad_request", "context_length"})
"""Kinds of error after which no token was spent; after others the input is taken to have been read."""

_UNMEASURED = Demand()


class GatewayStats(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway has done so far, and what it is doing."""

    calls: int
    """Calls answered."""
    failed: int
    """Calls given up, or failed in a way that cannot pass."""
    cancelled: int
    """Calls cancelled by the caller, or broken by an exception that is no `ModelError`."""
    attempts: int
    """Times a call was sent."""
    retries: dict[str, int]
    """Retries by the kind of error that made them necessary."""
    in_flight: int
    waiting: int
    """Calls in the queue now."""
    limit: int
    """Calls that may be in flight now; between 1 and the policy's `concurrency`."""
    queue_seconds: float
    """Time calls spent in the queue, summed over calls."""
    backoff_seconds: float
    """Time calls were told to wait before a retry, summed over calls."""


class Gateway:
    """`model`, within the limits of `policy`.

    It may be made outside an event loop, and used in several one after the other, but in one at a time.

    Args:
        model: The model to call.
        policy: Limits, time-outs and retries.
        rng: Draws the jitter of the back-off; a private one by default. Never an episode's own.
    """

    def __init__(
        self, model: Model, policy: CallPolicy | None = None, *, rng: random.Random | None = None
    ) -> None:
        self.model = model
        self.policy = policy = policy or CallPolicy()
        self._rng = rng or random.Random()
        self._limit = AdaptiveLimit(policy.concurrency)
        self._estimate = TokenEstimate()
        self._metered = policy.tokens_per_minute is not None
        self._admission = Admission(
            self._limit,
            _bucket(policy.requests_per_minute, policy.burst_seconds),
            _bucket(policy.tokens_per_minute, policy.burst_seconds),
        )
        self._calls = self._failed = self._cancelled = self._attempts = 0
        self._retries: Counter[str] = Counter()
        self._queue_seconds = self._backoff_seconds = 0.0

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def remote(self) -> bool:
        """As the model says."""
        return self.model.remote

    @property
    def stats(self) -> GatewayStats:
        """A snapshot of the counters."""
        return GatewayStats(
            calls=self._calls,
            failed=self._failed,
            cancelled=self._cancelled,
            attempts=self._attempts,
            retries=dict(self._retries),
            in_flight=self._admission.in_flight,
            waiting=self._admission.waiting,
            limit=self._limit.value,
            queue_seconds=self._queue_seconds,
            backoff_seconds=self._backoff_seconds,
        )

    async def sample(self, request: Request) -> Sample:
        """Answer one request, however many attempts it takes within the policy.

        Raises:
            ModelError: the model's own where it cannot pass; otherwise, after giving up, one line with the
                model, the attempts, the time and the last error. `retryable` is then still true: the same
                call may pass another day.
        """
        # What the role hears while the call waits in the queue is not for this call.
        request = msgspec.structs.replace(request, messages=tuple(request.messages))
        door = self._admission
        clock = door.attach().time
        ticket = door.ticket()
        demand = demand_of(request) if self._metered else _UNMEASURED
        expect = partial(self._estimate.of, demand)
        retries: Retries | None = None
        try:
            while True:
                asked = clock()
                permit = await door.enter(ticket, expect)
                sent = clock()
                self._queue_seconds += sent - asked
                retries = retries or Retries(self.policy, self._rng)
                outcome = await self._attempt(request, demand, permit, retries)
                if isinstance(outcome, Sample):
                    self._calls += 1
                    if not retries.kinds:
                        return outcome
                    return msgspec.structs.replace(outcome, retries=retries.kinds)
                await asyncio.sleep(outcome)
        except ModelError as error:
            self._failed += 1
            if retries is not None:
                error.retries = retries.kinds
            raise
        except BaseException:
            self._cancelled += 1
            raise

    async def close(self) -> None:
        """Close the model."""
        await self.model.close()

    async def _attempt(
        self, request: Request, demand: Demand, permit: Permit, retries: Retries
    ) -> Sample | float:
        """Send the request once: the sample, or the seconds to wait before the next attempt."""
        self._attempts += 1
        expected = permit.expected
        used = expected.input
        try:
            sample = await self._timed(request)
            self._limit.passed(permit.window, self._admission.in_flight)
            used = expected.total
            if self._metered and sample.usage is not None:
                used = float(sample.usage.input + sample.usage.output)
                self._estimate.learn(demand, sample.usage)
            return sample
        except ModelError as error:
            if error.kind in UNREAD:
                used = 0.0
            return self._failure(error, permit, retries)
        finally:
            self._admission.leave(permit, used)

    async def _timed(self, request: Request) -> Sample:
        seconds = self.policy.timeout_seconds
        if seconds is None:
            return await self.model.sample(request)
        scope = asyncio.timeout(seconds)
        try:
            async with scope:
                return await self.model.sample(request)
        except TimeoutError as error:
            if not scope.expired():
                raise
            raise ModelError(
                f"{self.name}: no answer in {seconds:g} s", kind="timeout", retryable=True
            ) from error

    def _failure(self, error: ModelError, permit: Permit, retries: Retries) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            ModelError: where there is none.
        """
        delay = retries.delay(error, permit.loop.time() - permit.entered)
        if self.policy.adaptive and error.kind in OVERLOAD:
            hopeless = self._limit.refused(permit.window, self._admission.in_flight)
            if hopeless and delay is not None:
                self._admission.hold(delay)
        if delay is None:
            final = retries.final(self.name, error)
            if final is error:
                raise error
            raise final from error
        self._retries[error.kind] += 1
        self._backoff_seconds += delay
        return delay


def _bucket(per_minute: float | None, burst_seconds: float) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute, burst_seconds)
