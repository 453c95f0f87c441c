"""The environment round a `SpielWorld`: two seats or more, who sits where, and who plays against whom."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.spiel import FORMAT, ILLEGAL, Rewards, SpielWorld, State
from turnwise.environments.parts.world import WorldEnvironment, WorldTask
from turnwise.errors import ConfigError


class SeatedGame(WorldEnvironment, kw_only=True, frozen=True):
    """Base of games between roles. Self-play is one agent that fills all of them.

    A subclass says how the game starts (`start`), how it is told (`face`), what it pays at the least and at
    the most (`pays`), how long it can be (`longest`) and who knows how to play it (`players`).
    """

    roles: ClassVar[tuple[str, ...]] = ("agent", "opponent")

    seat: Literal["first", "second"] = "first"
    """Where the agent sits; the first one begins."""
    rewards: Rewards = "mars"
    """`game`: what the game pays, an illegal move loses it. `mars`: what MARS trains with, which adds 0.05
    for each legal reply and 0.1 for a draw on a board (in Hanabi, for a last move that brings nothing), takes
    10 more for an illegal move and gives the other nothing for it."""
    others: Literal["full", "action"] = "action"
    """What a player is told of the others' moves: the state they were made in, too, or the move alone."""

    def start(self) -> State:
        """The game before chance has dealt."""
        raise NotImplementedError(f"environment {self.name!r} defines no start()")

    @property
    def spoilers(self) -> bool:
        """Pictures show all cards."""
        return not self.face().perfect

    def face(self) -> Face:
        """How it is told."""
        raise NotImplementedError(f"environment {self.name!r} defines no face()")

    def pays(self) -> tuple[float, float]:
        """Least and greatest return of the game itself."""
        raise NotImplementedError(f"environment {self.name!r} defines no pays()")

    def longest(self) -> int:
        """Most moves in a game."""
        raise NotImplementedError(f"environment {self.name!r} defines no longest()")

    def players(self) -> dict[str, Any]:
        """Who can take any seat, by name; the first is whom a role is filled with by default."""
        return {"random": RandomLegal()}

    def rivals(self) -> dict[str, Any]:
        """Who can take a seat but the agent's, besides."""
        return {}

    def dealt(self, task: WorldTask) -> Sequence[int]:
        """Chance's first actions, where the task gives them."""
        return ()

    @property
    def reward_range(self) -> tuple[float, float]:
        """What the game pays, and what MARS adds and takes."""
        low, high = self.pays()
        if self.rewards == "game":
            return (low, high)
        return (low - ILLEGAL, high + self.face().draw + FORMAT * self.longest())

    @property
    def max_replies(self) -> int:
        """The longest game."""
        return self.longest()

    def world(self, task: WorldTask, rng: random.Random) -> SpielWorld:
        """The game of `task`, dealt."""
        face = self.face()
        if self.others == "full" and not face.perfect:
            raise ConfigError(f"{self.name}: others=full would show what others hold; expected others=action")
        roles = list(self.roles)
        if self.seat == "second":
            roles[:2] = roles[1::-1]
        return SpielWorld(
            self.start(),
            face,
            roles,
            seed=task.seed,
            rng=rng,
            dealt=self.dealt(task),
            rewards=self.rewards,
            others=self.others,
            ours=roles.index(self.roles[0]),
        )

    def agents(self) -> dict[str, Any]:
        """`players`, for any seat, and `rivals`."""
        players = self.players()
        others = players | self.rivals()
        named = {f"{role}/{name}": player for role in self.roles[1:] for name, player in others.items()}
        return players | named

    def defaults(self) -> Mapping[str, str]:
        """The strongest of `players` fill the other seats."""
        best = next(iter(self.players()))
        return dict.fromkeys(self.roles[1:], best)
