"""Every registered world that shows pictures shows some that can be drawn everywhere."""

from __future__ import annotations

import asyncio
import re
import xml.etree.ElementTree as ET

import pytest

from turnwise import registry
from turnwise.engine import resolve
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.environments.parts.picture import Board, Picture
from turnwise.episode import Episode
from turnwise.errors import ConfigError
from turnwise.limits import Limits
from turnwise.view.pictures.scene import scene
from turnwise.view.pictures.svg import svg
from turnwise.view.pictures.terminal import printed

WORLDS = sorted(registry.entries("environments"))
OF_WORDS = {
    "car_dealer",
    "guess_my_city",
    "judging",
    "m3tooleval",
    "mint",
    "mt_eval",
    "twenty_questions",
    "wilt",
}
OF_WORDS |= {
    name
    for name, entry in registry.entries("environments").items()
    if entry.value.startswith("turnwise.environments.service.") and name != "interruptbench"
}
"""Those of words alone, in which there is nothing to draw."""
MOST = 12
"""Turns that are watched."""


def watched(name: str) -> list[Picture]:
    """Pictures of the first turns of an episode, played by those who need no model and no program."""
    world = resolve.environment(RunConfig(environment=name))
    own = world.agents()
    agents: dict[str, AgentConfig] = {}
    for role in world.roles:
        known = ("random", "solver", "builtin")
        first = role == world.roles[0]
        fit = [one for one in known if f"{role}/{one}" in own or (first and one in own)]
        if fit:
            agents[role] = AgentConfig(use=fit[0])
    config = resolve.completed(RunConfig(environment=name, agents=agents, limit=1), world)
    seen: list[Picture] = []
    cast = resolve.casting(config, world)
    (task,) = resolve.tasks(config, world)
    limits = Limits(turns=MOST)
    episode = Episode(world, task, cast.agents, limits=limits, watch=lambda _, picture: seen.append(picture))
    asyncio.run(episode.play())
    assert episode.error is None, episode.error
    return seen


@pytest.mark.parametrize("name", WORLDS)
def test_pictures_of_the_world(name: str) -> None:
    try:
        pictures = watched(name)
    except ConfigError as error:
        if "install turnwise[" in str(error) or "TURNWISE_DATA" in str(error):
            pytest.skip(str(error))
        raise
    assert bool(pictures) == (name not in OF_WORDS)
    for picture in pictures:
        if isinstance(picture, Board):
            assert len({len(row) for row in picture.rows}) == 1, "rows of equally many cells"
            colours = {colour for row in picture.rows for cell in row for colour in (cell.ink, cell.paper)}
            assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)
            assert all(len(cell.text) <= 2 for row in picture.rows for cell in row)
        laid = scene(picture)
        assert max(laid.width, laid.height) <= 1200
        ET.fromstring(svg(picture))
        for width in (40, 80):
            plain = re.sub(r"\x1b\[[0-9;]*m", "", printed(picture, width=width))
            assert max(map(len, plain.splitlines())) <= width
