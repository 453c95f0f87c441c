"""Retries of one call: whether to try again, after how long, and what to say after giving up.

Waits are exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): uniform between 0
and a bound that doubles, so calls refused together do not come back together. A server's own `Retry-After` is
kept instead, to the instant.
"""

from __future__ import annotations

import random

from turnwise.errors import ModelError
from turnwise.models.policy import CallPolicy

_LONGEST_ERROR = 400


class Retries:
    """Counts the attempts of one call.

    Args:
        policy: How often, how long.
        rng: Draws the jitter; never an episode's own.
    """

    __slots__ = ("_policy", "_rng", "attempts", "kinds", "seconds")

    def __init__(self, policy: CallPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self.attempts = 0
        """Attempts that failed so far."""
        self.kinds: tuple[str, ...] = ()
        """Kinds of the errors after which there was another attempt."""
        self.seconds = 0.0
        """What they and the waits between them took; waiting for a slot or a rate is nobody's failure."""

    def delay(self, error: ModelError, took: float) -> float | None:
        """Seconds to wait after one more attempt, of `took` seconds, failed with `error`; None to give up."""
        self.attempts += 1
        self.seconds += took
        policy = self._policy
        if not error.retryable or self.attempts >= policy.attempts:
            return None
        if error.retry_after is not None:
            delay = min(max(error.retry_after, 0.0), policy.retry_after_max)
        else:
            # The exponent is bounded because a float is not.
            bound = policy.backoff_seconds * 2.0 ** min(self.attempts - 1, 64)
            delay = self._rng.uniform(0.0, min(policy.backoff_max, bound))
        if policy.retry_seconds is not None and self.seconds + delay > policy.retry_seconds:
            return None
        self.seconds += delay
        self.kinds = (*self.kinds, error.kind)
        return delay

    def final(self, model: str, error: ModelError) -> ModelError:
        """The error to raise in the end: `error` itself where it cannot pass, else a line on the attempts."""
        if not error.retryable:
            return error
        count = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        line = (
            f"{model}: gave up after {count} in {self.seconds:.1f} s; "
            f"last error ({error.kind}): {one_line(str(error))}"
        )
        return ModelError(line, kind=error.kind, retryable=True, retry_after=error.retry_after)


def one_line(text: str) -> str:
    """`text` on one line, cut where it is long (a server may answer with a whole page)."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ERROR else line[: _LONGEST_ERROR - 1] + "…"
