"""Taking part: forks, plays, and what can be played."""

from __future__ import annotations

from starlette.responses import Response

from turnwise.view.live import forks
from turnwise.view.live.plays import Play
from turnwise.view.live.seat import Seat
from turnwise.view.reading import offered, pictures
from turnwise.view.reading.errors import MissingError
from turnwise.view.server import answers
from turnwise.view.server import shapes as s
from turnwise.view.server.asked import Ask, handles


@handles("fork")
def fork(ask: Ask) -> s.Started:
    """Go on another way from a turn."""
    return forks.begin(ask.viewer.source, ask.viewer.stage, ask.body)


@handles("stop")
def stop(ask: Ask) -> s.Stopped:
    """Stop a run that this server plays."""
    run = ask.viewer.source.run(ask.place["run"]).id
    return s.Stopped(run=run, stopped=ask.viewer.stage.stop(run))


@handles("environments")
def environments(ask: Ask) -> s.EnvironmentsPage:
    """What can be played."""
    return offered.listed()


@handles("environment")
def environment(ask: Ask) -> s.EnvironmentPage:
    """All one must know to play."""
    return offered.page(ask.place["environment"])


@handles("tasks")
def tasks(ask: Ask) -> s.TasksPage:
    """An environment's tasks."""
    return offered.tasks(ask.place["environment"], ask.query)


@handles("play")
def play(ask: Ask) -> s.PlayStarted:
    """Begin to play."""
    return ask.viewer.plays.begin(ask.body)


@handles("seat")
def seat(ask: Ask) -> s.PlayPage:
    """A play as one of its players sees it."""
    return ask.viewer.plays.page(*_at(ask, ask.query.seat))


@handles("picture")
def picture(ask: Ask) -> Response:
    """How things stand."""
    found, _ = _at(ask, ask.query.seat)
    if found.picture is None:
        raise MissingError("there is no picture of this play")
    drawn = pictures.drawn(found.picture)
    return answers.picture(drawn.data, drawn.media_type)


@handles("move")
def move(ask: Ask) -> s.PlayPage:
    """Make a move."""
    found, taken = _at(ask, ask.body.seat)
    ask.viewer.plays.move(found, taken, ask.body)
    return ask.viewer.plays.page(found, taken)


@handles("leave")
def leave(ask: Ask) -> s.PlayPage:
    """Leave a play."""
    found, taken = _at(ask, ask.body.seat)
    ask.viewer.plays.leave(found, taken)
    return ask.viewer.plays.page(found, taken)


def _at(ask: Ask, key: str) -> tuple[Play, Seat]:
    found = ask.viewer.plays.of(ask.place["play"])
    return found, found.seat(key)
