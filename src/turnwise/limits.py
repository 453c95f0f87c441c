"""Limits of one episode. Each ends it cleanly, with its own stop reason."""

from __future__ import annotations

from turnwise.log import Stop
from turnwise.wire import Record


class Limits(Record, frozen=True, kw_only=True):
    """The most one episode may use; None is no limit."""

    turns: int | None = None
    """Turns said by roles (not observations or tool results)."""
    tool_calls: int | None = None
    tokens: int | None = None
    """Sampled tokens, over all roles, as the providers count them."""
    cost: float | None = None
    """Money, in the currency of the price table."""
    seconds: float | None = None
    """Wall time."""


class EpisodeStop(BaseException):
    """Unwinds a script whose episode is over; not an error, so `except Exception` lets it pass."""

    def __init__(self, stop: Stop, detail: str | None = None) -> None:
        super().__init__(stop.value)
        self.stop = stop
        self.detail = detail
