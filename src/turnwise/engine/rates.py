"""Rates: a token bucket for requests or tokens a minute, and the estimate of a call's tokens it is fed."""

from __future__ import annotations

from typing import NamedTuple

from turnwise.message import Text
from turnwise.model import Request, Usage

MEDIA_TOKENS = 1000.0
"""First guess for a picture, a sound or a file."""
CHARACTERS_PER_TOKEN = 4.0
"""First guess, for English; what a provider reports soon corrects it."""
TOKENS_PER_MESSAGE = 4.0
"""For the marks that a chat template puts round each message."""
OUTPUT_TOKENS = 512.0
"""First guess for the tokens a call samples."""
WEIGHT = 0.1
"""Weight of the newest call in the running means."""


class Bucket:
    """A token bucket: it refills at a steady rate up to `burst`, and each call takes its amount out.

    A call may enter when the bucket holds its amount (or is full, where the amount is more than it can ever
    hold) and may leave it in debt. So what enters in any T seconds is at most rate x T + max(burst, largest
    amount). Times are seconds of any clock; one that jumps back adds nothing.

    Args:
        per_minute: The rate.
        burst_seconds: How many seconds' worth of it the bucket holds, at least one unit.
    """

    __slots__ = ("_level", "_time", "burst", "rate")

    def __init__(self, per_minute: float, burst_seconds: float) -> None:
        self.rate = per_minute / 60.0
        """Units a second."""
        self.burst = max(1.0, self.rate * burst_seconds)
        """Most units it holds."""
        self._level = self.burst
        self._time: float | None = None

    def wait(self, amount: float, now: float) -> float:
        """Seconds until a call of `amount` may enter; 0 when it may now."""
        self._refill(now)
        missing = min(amount, self.burst) - self._level
        # A timer set for the instant of a refill must find it refilled, rounding or not.
        return missing / self.rate if missing > 1e-9 * self.burst else 0.0

    def take(self, amount: float, now: float) -> None:
        """Let a call of `amount` enter."""
        self._refill(now)
        self._level -= amount

    def put(self, amount: float, now: float) -> None:
        """Give back what was taken and not used; a negative amount takes what was used on top."""
        self._refill(now)
        self._level = min(self.burst, self._level + amount)

    def _refill(self, now: float) -> None:
        if self._time is not None and now > self._time:
            self._level = min(self.burst, self._level + (now - self._time) * self.rate)
        self._time = now


class Expected(NamedTuple):
    """What a call is expected to use."""

    size: float = 0.0
    """Tokens of the input by a fixed rule of thumb, before learning."""
    input: float = 0.0
    output: float = 0.0

    @property
    def total(self) -> float:
        """Tokens to reserve."""
        return self.input + self.output


class TokenEstimate:
    """Guesses a call's tokens before it is sent, from what the calls before it turned out to use."""

    __slots__ = ("_calls", "_output", "_ratio")

    def __init__(self) -> None:
        self._calls = 1
        self._ratio = 1.0
        self._output = OUTPUT_TOKENS

    def of(self, request: Request) -> Expected:
        """What `request` is expected to use."""
        limit = request.sampling.max_tokens
        output = self._output if limit is None else min(self._output, float(limit))
        size = _size(request)
        return Expected(size, size * self._ratio, output)

    def learn(self, expected: Expected, usage: Usage) -> None:
        """Take in what a call that was `expected` to use so much really used."""
        self._calls += 1
        weight = max(WEIGHT, 1.0 / self._calls)
        if expected.size > 0 and usage.input > 0:
            self._ratio += weight * (usage.input / expected.size - self._ratio)
        self._output += weight * (usage.output - self._output)


def _size(request: Request) -> float:
    characters = media = 0
    for tool in request.tools:
        characters += len(tool.name) + len(tool.description) + len(repr(tool.parameters))
    for message in request.messages:
        content = message.content
        if isinstance(content, str):
            characters += len(content)
        else:
            characters += len(message.text)
            media += sum(not isinstance(part, Text) for part in content)
        for call in message.tool_calls:
            characters += len(call.name) + len(call.arguments)
    tokens = characters / CHARACTERS_PER_TOKEN + media * MEDIA_TOKENS
    return tokens + TOKENS_PER_MESSAGE * len(request.messages)
