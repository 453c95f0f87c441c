"""Runs: the table, one run's charts, the grid of its episodes; and what is being viewed at all."""

from __future__ import annotations

from turnwise import __version__
from turnwise.view.reading import charts, credit, grid, runs
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


@handles("about")
def about(ask: Ask) -> s.About:
    """What is being viewed."""
    words = ask.viewer.source.annotations.held()
    return s.About(
        version=__version__,
        store=ask.viewer.store.shown,
        credit=list(credit.usable()),
        annotators=sorted({word.annotator for word in words}),
        tags=sorted({word.name for word in words if word.kind == "tag"}),
    )


@handles("runs")
def listed(ask: Ask) -> s.RunsPage:
    """The table."""
    return runs.page(ask.viewer.source, ask.query, here=ask.viewer.playing)


@handles("run")
def run(ask: Ask) -> s.RunPage:
    """One run."""
    source = ask.viewer.source
    return charts.page(source, source.run(ask.place["run"]), here=ask.viewer.playing)


@handles("episodes")
def episodes(ask: Ask) -> s.EpisodesPage:
    """The grid."""
    source = ask.viewer.source
    return grid.page(source, source.run(ask.place["run"]), ask.query)


@handles("neighbours")
def neighbours(ask: Ask) -> s.Neighbours:
    """What is before and after an episode in the grid."""
    source = ask.viewer.source
    return grid.neighbours(source, source.run(ask.place["run"]), ask.number("number"), ask.query)
