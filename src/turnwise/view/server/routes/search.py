"""Search over all turns."""

from __future__ import annotations

from turnwise.view.reading import finding
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


@handles("search")
def search(ask: Ask) -> s.SearchPage:
    """The turns that fit."""
    return finding.page(ask.viewer.source, ask.query)
