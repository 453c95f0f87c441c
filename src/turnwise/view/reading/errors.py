"""Why a question cannot be answered, as the API says it."""

from __future__ import annotations

from turnwise.errors import TurnwiseError


class MissingError(TurnwiseError):
    """There is no such run, episode, turn or picture (any more)."""


class ForbiddenError(TurnwiseError):
    """Who asks, or how, may not."""


class RefusedError(TurnwiseError):
    """It is there, but what was asked does not fit how things stand (a move that is not one's own)."""
