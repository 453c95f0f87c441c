"""Plays one episode in memory, with scripted models: what the tests of environments share."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from turnwise.agent import Agent
from turnwise.episode import Episode
from turnwise.message import Message, assistant
from turnwise.model import Request, Sample


class Scripted:
    """A model that is a function of the messages it sees, or a generator function of `(task, rng)`."""

    remote = False

    def __init__(self, script: Any, name: str = "scripted") -> None:
        self.name = name
        self.script = script
        self.seen: list[tuple[Message, ...]] = []
        self._running: dict[str, Any] = {}

    async def sample(self, request: Request) -> Sample:
        self.seen.append(tuple(request.messages))
        if self.script.__code__.co_flags & 0x20:
            running = self._running.get(request.session)
            if running is None:
                running = self.script(request.task, random.Random(request.rng_seed))
                next(running)
                self._running[request.session] = running
            return Sample(message=assistant(running.send(request.messages[-1])))
        return Sample(message=assistant(self.script(request.messages)))

    async def close(self) -> None:
        pass


def play(environment: Any, task: Any, *, limits: Any = None, seed: int = 0, **models: Any) -> Episode:
    """The finished episode of `task`; models are given by role, as scripts or as `Scripted`."""
    agents = {
        role: Agent(model if isinstance(model, Scripted) else Scripted(model))
        for role, model in models.items()
    }
    episode = Episode(environment, task, agents, limits=limits, seed=seed)
    asyncio.run(episode.play())
    assert episode.error is None, episode.error.traceback
    return episode
