"""One store of real runs, for all tests of the viewer that only read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clerks import Desk, players

import turnwise


class House(NamedTuple):
    """Ids of the runs in the store."""

    place: Path
    solved: str
    """maze, solver: 6 tasks."""
    lost: str
    """maze, random: 6 tasks."""
    game: str
    """number_guess, the small policy: 4 tasks, 3 epochs."""
    desk: str
    """desk: 4 tasks, of which one fails."""
    fork: str
    """of solved/1 at turn 3, twice."""


def built(place: Path) -> House:
    """The store."""
    solved = turnwise.run("maze", "solver", store=place, limit=6)
    lost = turnwise.run("maze", "random", store=place, limit=6)
    game = turnwise.run("number_guess", "tiny/sprout", store=place, limit=4, epochs=3)
    desk = turnwise.run(Desk(), store=place, agents=players())
    fork = turnwise.fork(f"{solved.id}/1", 3, store=place, agents={"agent": "random"}, count=2)
    return House(place, solved.id, lost.id, game.id, desk.id, fork.id)
