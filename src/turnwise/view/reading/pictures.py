"""How things stood: the pictures a world shows, by replay, drawn as SVG (an image stays what it is)."""

from __future__ import annotations

import asyncio
import inspect
from functools import cache
from typing import NamedTuple

from turnwise import registry
from turnwise.engine import launch
from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.environments.parts.picture import Board, Picture
from turnwise.environments.parts.world import World, WorldEnvironment
from turnwise.errors import TurnwiseError
from turnwise.message import Image
from turnwise.view.pictures.svg import svg
from turnwise.view.reading import messages
from turnwise.view.reading.errors import MissingError
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_PNG = b"\x89PNG\r\n\x1a\n"
_LABEL = 400
_MOST = 20_000
"""Pictures of an episode; what is beyond is not kept."""


class Drawn(NamedTuple):
    """A picture ready to be sent."""

    data: bytes
    media_type: str


class Film(NamedTuple):
    """All pictures of an episode, and before which turn each stands; or why there are none."""

    pictures: tuple[tuple[int, Picture], ...] = ()
    problem: str | None = None


def shows(run: Run, environment: str) -> bool:
    """Whether an environment may show pictures, as far as can be told without playing it."""
    name = str(run.row.config.get("environment") or environment)
    return draws(name)


@cache
def draws(name: str) -> bool:
    """Whether an environment of this name, or at this place, may show pictures."""
    try:
        found = registry.load("environments", name)
    except TurnwiseError:
        return False
    if not (isinstance(found, type) and issubclass(found, Environment)):
        return False
    if issubclass(found, WorldEnvironment):
        # A world that draws nothing inherits `picture`; which one it is, its module knows.
        module = inspect.getmodule(found.world)
        worlds = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, World)]
        return not worlds or any(one.picture is not World.picture for one in worlds)
    return ".show(" in inspect.getsource(found)


def page(source: Source, found: Found) -> s.FramesPage:
    """Where the pictures of an episode are."""
    film = of(source, found)
    lines = [
        s.FrameLine(
            turn=turn, url=f"{messages.place(found)}/frames/{place}?n={found.extent[0]}", label=label(picture)
        )
        for place, (turn, picture) in enumerate(film.pictures)
    ]
    return s.FramesPage(frames=lines, problem=film.problem)


def frame(source: Source, found: Found, place: int) -> Drawn:
    """One picture of an episode.

    Raises:
        MissingError: there is none at this place.
    """
    film = of(source, found)
    if place >= len(film.pictures):
        raise MissingError(film.problem or f"{found.name} has {len(film.pictures)} pictures, none at {place}")
    return drawn(film.pictures[place][1])


def of(source: Source, found: Found) -> Film:
    """All pictures of an episode."""
    return source.of(found, ("film",), lambda: _film(source, found))


def drawn(picture: Picture) -> Drawn:
    """A picture as SVG; an image that is a PNG as it is."""
    if isinstance(picture, Image) and picture.data is not None and picture.data.startswith(_PNG):
        return Drawn(picture.data, "image/png")
    return Drawn(svg(picture).encode("utf-8", "replace"), "image/svg+xml")


def label(picture: Picture) -> str:
    """A picture in words: the rows of a board, for who cannot see it."""
    if isinstance(picture, str):
        return picture[:_LABEL]
    if isinstance(picture, Board):
        rows = "\n".join("".join(cell.text.strip() or "." for cell in row) for row in picture.rows)
        return "\n".join(part for part in (picture.title, rows, picture.caption) if part)[:_LABEL]
    return picture.name or "image"


# Inside -----------------------------------------------------------------------------------------------


def _film(source: Source, found: Found) -> Film:
    if not shows(found.run, found.log.environment):
        return Film(problem=f"environment {found.log.environment!r} shows no pictures")
    try:
        seen = asyncio.run(launch.frames(found.name, source.store))
    except TurnwiseError as error:
        return Film(problem=str(error))
    except Exception as error:
        # The environment's own code, perhaps of another version than the one that was played.
        return Film(problem=f"the episode cannot be replayed: {type(error).__name__}: {error}")
    return Film(tuple((one.turn, one.picture) for one in seen[:_MOST]))
