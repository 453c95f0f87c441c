"""Comparing: runs by task, episodes by turn."""

from __future__ import annotations

from turnwise.errors import ConfigError
from turnwise.store.annotations import Target
from turnwise.view.reading import comparing
from turnwise.view.reading.source import Found
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


@handles("compare")
def compare(ask: Ask) -> s.ComparePage:
    """Runs paired by task."""
    return comparing.page(ask.viewer.source, ask.query, here=ask.viewer.playing)


@handles("align")
def align(ask: Ask) -> s.AlignPage:
    """Two episodes side by side."""
    return comparing.align(_named(ask, ask.query.a), _named(ask, ask.query.b))


def _named(ask: Ask, name: str) -> Found:
    place = Target.read(name)
    if place.episode is None:
        raise ConfigError(f"{name[:80]!r}: expected RUN/NUMBER")
    return ask.viewer.episode(place.run, place.episode)
