"""How calls to a remote model are limited, timed and retried: one frozen, checked struct of settings."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from turnwise.errors import ConfigError


class CallPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits, time-outs and retries of the calls to one model.

    Raises:
        ConfigError: naming the first field that cannot be used, and what was expected of it.
    """

    concurrency: int = 100
    """Most calls in flight at once."""
    adaptive: bool = True
    """Lower the number in flight when the server is overloaded, and raise it again as calls pass."""
    requests_per_minute: float | None = None
    """Most requests sent in a minute, retries counted; None sets no limit."""
    tokens_per_minute: float | None = None
    """Most tokens, input and output together, in a minute; None sets no limit."""
    burst_seconds: float = 6.0
    """How much of the two rates may be spent at one instant after a rest, in seconds' worth."""
    timeout_seconds: float | None = 600.0
    """Longest time for one attempt; None waits for ever."""
    attempts: int = 6
    """Most attempts for one call, the first one included; 1 never retries."""
    retry_seconds: float | None = 1800.0
    """Most time for the attempts of one call and the waits between them, after which it is not retried; time
    in the queue does not count. None sets no limit."""
    backoff_seconds: float = 0.5
    """The first retry waits a random time up to this; the bound doubles with each further one."""
    backoff_max: float = 60.0
    """The doubling stops here."""
    retry_after_max: float = 300.0
    """Longest wait at a server's own wish (`Retry-After`)."""

    def __post_init__(self) -> None:
        for field in ("concurrency", "attempts"):
            value = getattr(self, field)
            _check(field, value, type(value) is int and value >= 1, "a whole number of at least 1")
        _check("adaptive", self.adaptive, type(self.adaptive) is bool, "true or false")
        for field in ("requests_per_minute", "tokens_per_minute", "timeout_seconds"):
            value = getattr(self, field)
            _check(field, value, value is None or _positive(value), "a number above 0, or none")
        _check("burst_seconds", self.burst_seconds, _positive(self.burst_seconds), "a number above 0")
        value = self.retry_seconds
        _check("retry_seconds", value, value is None or _amount(value), "a number of at least 0, or none")
        for field in ("backoff_seconds", "backoff_max", "retry_after_max"):
            value = getattr(self, field)
            _check(field, value, _amount(value), "a number of at least 0")


def _check(field: str, value: Any, ok: bool, expected: str) -> None:
    if not ok:
        raise ConfigError(f"{field}: expected {expected}, got {value!r}")


def _amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _positive(value: Any) -> bool:
    return _amount(value) and value > 0
