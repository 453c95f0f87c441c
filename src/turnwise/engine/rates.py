"""Rates: a token bucket for requests or tokens a minute, and the estimate of a call's tokens it is fed."""

from __future__ import annotations

import math
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


class Demand(NamedTuple):
    """What a call asks for, as far as it can be measured."""

    size: float = 0.0
    """Tokens of the input by a fixed rule of thumb."""
    limit: float = 0.0
    """Most tokens it may sample."""


class Expected(NamedTuple):
    """Tokens that a call is expected to use."""

    input: float
    output: float

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

    def of(self, demand: Demand) -> Expected:
        """What a call is expected to use, by what is known now."""
        return Expected(demand.size * self._ratio, min(self._output, demand.limit))

    def learn(self, demand: Demand, usage: Usage) -> None:
        """Take in what a call really used."""
        self._calls += 1
        weight = max(WEIGHT, 1.0 / self._calls)
        if demand.size > 0 and usage.input > 0:
            self._ratio += weight * (usage.input / demand.size - self._ratio)
        self._output += weight * (usage.output - self._output)


def demand_of(request: Request) -> Demand:
    """Measure a request: characters, tools, pictures, and the limit of its sample."""
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
    tokens += TOKENS_PER_MESSAGE * len(request.messages)
    limit = request.sampling.max_tokens
    return Demand(tokens, math.inf if limit is None else float(limit))
