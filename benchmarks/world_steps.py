"""One world: its own steps, and turns of Turnwise over it: `world_steps.py NAME TURNS`.

First a random player plays, untimed; then what it said is said again to the bare world, in episodes in
memory, and in a stored run, all timed, many times in turn. Of each the quickest time counts: what else a
machine does makes times longer, never shorter.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import turnwise.api
from common import report
from turnwise import registry
from turnwise.agent import Agent
from turnwise.engine.config import AgentConfig, RunConfig
from turnwise.engine.resolve import Given, casting
from turnwise.environment import Environment
from turnwise.environments.parts.world import WorldEnvironment
from turnwise.episode import Episode
from turnwise.log import EpisodeLog
from turnwise.model import Request, Sample
from turnwise.task import Task

SETTINGS: dict[str, dict[str, Any]] = {"chess": {"max_moves": 20}, "endgames": {"max_moves": 20}}
QUICK = {"chess": "random", "endgames": "random", "connect_four": "random", "tic_tac_toe": "random"}
"""Opponents for whom the first, untimed episodes need not wait."""
TIMES, TASKS, SEED = 10, 20, 1


class Again:
    """Says in each episode what was said in it before: an agent that costs next to nothing."""

    remote = False
    name = "again"

    def __init__(self, role: str, logs: Sequence[EpisodeLog]) -> None:
        self.samples = {
            log.task["id"]: [
                Sample(message=turn.message) for turn in log.turns if turn.calls and turn.role == role
            ]
            for log in logs
        }

    async def sample(self, request: Request) -> Sample:
        """What was said in this call."""
        return self.samples[request.task.id][request.ordinal]

    async def close(self) -> None:
        """Nothing to let go of."""


def recorded(environment: Environment, tasks: Sequence[Task]) -> list[EpisodeLog]:
    """Episodes of a random player."""
    opponent = {role: QUICK[environment.name] for role in environment.roles[1:] if environment.name in QUICK}
    named = {**environment.defaults(), **opponent, environment.roles[0]: "random"}
    config = RunConfig(
        environment=environment.name, agents={role: AgentConfig(use=use) for role, use in named.items()}
    )
    logs: list[EpisodeLog] = []
    for task in tasks:
        agents = casting(config, environment, Given(environment)).agents
        episode = Episode(environment, task, agents, seed=SEED)
        asyncio.run(episode.play())
        assert episode.error is None, episode.error.traceback
        logs.append(episode.log())
    return logs


def bare(environment: WorldEnvironment, tasks: Sequence[Task], said: Sequence[Sequence[str]]) -> float:
    """Seconds of CPU that the worlds themselves take, with all that is asked of them in an episode."""
    start = time.process_time()
    for task, lines in zip(tasks, said, strict=True):
        world = environment.world(task, random.Random(SEED))
        for line in lines:
            world.key()
            world.observe()
            world.actions()
            world.step(line)
        world.metrics()
        world.closing()
    return time.process_time() - start


def in_memory(environment: Environment, tasks: Sequence[Task], agents: dict[str, Agent]) -> float:
    """Seconds of CPU for the episodes of Turnwise, kept nowhere."""

    async def play() -> float:
        # An event loop is begun once for a whole run.
        start = time.process_time()
        for task in tasks:
            episode = Episode(environment, task, agents, seed=SEED)
            await episode.play()
            assert episode.error is None, episode.error.traceback
            episode.dissolve()
        return time.process_time() - start

    return asyncio.run(play())


def stored(environment: Environment, tasks: Sequence[Task], agents: dict[str, Agent], epochs: int) -> float:
    """Seconds of CPU for a run with every turn on disk."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        run = turnwise.api.run(
            environment, agents=agents, tasks=tasks, epochs=epochs, store=Path(folder) / "runs.db", seed=SEED
        )
        spent = time.process_time() - start
        assert run.summary()["failed"] == 0, run.summary()
        run.store.close()
    return spent


def main() -> None:
    """Measure."""
    name, wanted = sys.argv[1], int(sys.argv[2])
    environment: Environment = registry.load("environments", name)(**SETTINGS.get(name, {}))
    tasks = list(environment.tasks())[:TASKS]
    logs = recorded(environment, tasks)
    said = [[turn.text for turn in log.turns if turn.calls] for log in logs]
    turns = sum(map(len, said))
    epochs = max(1, wanted // turns // 3)
    agents = {role: Agent(Again(role, logs)) for role in logs[0].agents}
    ways: dict[str, Callable[[], float]] = {
        "memory": lambda: in_memory(environment, tasks * epochs, agents),
        "stored": lambda: stored(environment, tasks, agents, epochs),
    }
    if isinstance(environment, WorldEnvironment):
        ways["bare"] = lambda: bare(environment, tasks * epochs, said * epochs)
    # Each way is warmed up first; then they take turns, so that a slow moment falls on all.
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for time_number in range(TIMES + 1):
        for way, measure in ways.items():
            seconds = measure()
            if time_number:
                spent[way].append(seconds / (turns * epochs) * 1e6)
    report({"turns": turns * epochs, **{f"{way}_us": min(found) for way, found in spent.items()}})


if __name__ == "__main__":
    main()
