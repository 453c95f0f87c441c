"""Plays games between roles without any engine: what the tests of MARS's games share."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.spiel import SpielWorld
from turnwise.environments.parts.world import Step, WorldTask


def the(seed: int) -> WorldTask:
    return WorldTask(id=str(seed), seed=seed)


def world(environment: SeatedGame, seed: int = 0, *, chance: int = 0) -> SpielWorld:
    return environment.world(the(seed), random.Random(chance))


def after(made: SpielWorld, moves: Iterable[str]) -> SpielWorld:
    """The world when `moves` were made, each legal."""
    for move in moves:
        assert made.step(f"<answer>{move}</answer>").valid, move
    return made


def paid(made: SpielWorld, moves: Iterable[str]) -> dict[str, dict[str, float]]:
    """What each role gets for `moves`, by the names of the rewards."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for move in moves:
        for role, gains in gained(made, made.step(f"<answer>{move}</answer>")).items():
            for name, value in gains.items():
                sums[role][name] += value
    return {role: dict(gains) for role, gains in sums.items()}


def gained(made: SpielWorld, step: Step) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for gain in step.gains:
        sums[gain.role or made.mover][gain.name] += gain.value
    return sums


def chosen(made: SpielWorld, player: Any, rng: random.Random) -> str:
    """What a player of `players()` replies."""
    position = made.actions()
    if not hasattr(player, "choose"):
        return position.render([rng.choice(position.actions).id])
    return position.render([player.choose(position, rng)])


def duel(environment: SeatedGame, agent: str, other: str, seed: int) -> SpielWorld:
    """A whole game between two of the environment's players."""
    players = environment.players()
    seats = dict.fromkeys(environment.roles, players[other]) | {environment.roles[0]: players[agent]}
    made, rng = world(environment, seed, chance=seed), random.Random(seed)
    while not made.over:
        made.step(chosen(made, seats[made.mover], rng))
    return made
