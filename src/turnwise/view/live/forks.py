"""Forks that a page asks for: the same as `turnwise fork`, played on the stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from turnwise.engine import launch, resolve
from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.store.annotations import Target
from turnwise.view.live import allowed
from turnwise.view.live.stage import Stage
from turnwise.view.reading.source import Source
from turnwise.view.server import shapes as s


def begin(source: Source, stage: Stage, wanted: s.ForkAsk) -> s.Started:
    """Go on another way from a turn of an episode.

    Raises:
        MissingError: there is no such episode.
        ConfigError: there is no such turn, role or agent.
        CapabilityError: the turn cannot be edited.
    """
    place = Target.read(wanted.episode)
    if place.episode is None:
        raise ConfigError(f"episode: {wanted.episode[:80]!r}: expected RUN/NUMBER")
    run = source.run(place.run)
    found = source.episode(run, place.episode)
    if wanted.at > len(found.log.turns):
        raise ConfigError(
            f"at: {found.name} has {len(found.log.turns)} turns, and none can be made at {wanted.at}"
        )
    made = resolve.environment(run.config)
    known = {agent.use for agent in run.config.agents.values()}
    for role, agent in run.config.agents.items():
        if agent.use == "human" and role not in wanted.agents:
            raise ConfigError(f"agents: a person played {role!r}: name who takes over")
    agents = allowed.agents(wanted.agents, made, known)
    seed = allowed.seed(wanted.seed)

    def work(watch: Callable[[Run, Any], Any]) -> Any:
        return launch.fork(
            found.name,
            wanted.at,
            source.store,
            seed=seed,
            agents=agents,
            says=wanted.says,
            count=wanted.count,
            watch=watch,
        )

    return s.Started(run=stage.begin(work).id, numbers=list(range(wanted.count)))
