"""Pictures of how things stood."""

from __future__ import annotations

from turnwise.view.server.shapes.base import Asked, Offset, Reply


class FrameLine(Reply, frozen=True, kw_only=True):
    """A picture of how things stood."""

    turn: int
    """Turns there were by then: the picture stands before turn `turn`."""
    url: str
    """An SVG or a PNG, for an `img`."""
    label: str
    """In words, for who cannot see it."""


class FrameQuery(Asked, frozen=True, kw_only=True):
    """Which state of things a picture is of; it only keeps browsers from showing an old one."""

    n: Offset | None = None


class FramesPage(Reply, frozen=True, kw_only=True):
    """All pictures of an episode, by replay."""

    frames: list[FrameLine]
    problem: str | None
    """Why there are none; one line."""
