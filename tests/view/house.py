"""One store of real runs, for all tests of the viewer that only read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clerks import Desk, players

import turnwise
from turnwise.engine.config import AgentConfig
from turnwise.limits import Limits
from turnwise.message import Message
from turnwise.model import Request, Sample, Sampling


class Teller:
    """A model whose provider tells tokens as texts, with what else they might have been."""

    name = "teller"
    remote = False

    async def sample(self, request: Request) -> Sample:
        return Sample(
            message=Message(role="assistant", content="50!"),
            logprobs=[-0.5, -1.0],
            sampled_texts=["50", "!"],
            alternatives=[(("50", -0.5), ("25", -1.5)), (("!", -1.0),)],
        )

    async def close(self) -> None: ...


class House(NamedTuple):
    """Ids of the runs in the store."""

    place: Path
    solved: str
    """maze, solver: 6 tasks."""
    lost: str
    """maze, random: 6 tasks."""
    game: str
    """number_guess, the small policy: 4 tasks, 3 epochs; each token with 3 alternatives."""
    told: str
    """one reply of a server that tells tokens as texts."""
    desk: str
    """desk: 4 tasks, of which one fails."""
    fork: str
    """of solved/1 at turn 3, twice."""


def built(place: Path) -> House:
    """The store."""
    solved = turnwise.run("maze", "solver", store=place, limit=6)
    lost = turnwise.run("maze", "random", store=place, limit=6)
    policy = AgentConfig(use="tiny/sprout", sampling=Sampling(top_logprobs=3))
    game = turnwise.run("number_guess", policy, store=place, limit=4, epochs=3)
    told = turnwise.run("number_guess", Teller(), store=place, limit=1, limits=Limits(turns=1))
    desk = turnwise.run(Desk(), store=place, agents=players())
    fork = turnwise.fork(f"{solved.id}/1", 3, store=place, agents={"agent": "random"}, count=2)
    return House(place, solved.id, lost.id, game.id, told.id, desk.id, fork.id)
