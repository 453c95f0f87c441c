"""The environment round a `SpielWorld`: two seats or more, who sits where, and who plays against whom."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.players import Equilibrium, TreeSearch
from turnwise.environments.mars.spiel import FORMAT, ILLEGAL, Rewards, SpielWorld, State, library, load
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
        if face.players > len(self.seats):
            raise ConfigError(
                f"{self.name}: expected a game for 2 to {len(self.seats)}, not {face.players} players"
            )
        roles = list(self.seats[: face.players])
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
        """`players`, for any seat."""
        players = self.players()
        named = {f"{role}/{name}": player for role in self.seats[1:] for name, player in players.items()}
        return players | named

    def defaults(self) -> Mapping[str, str]:
        """The strongest of `players` fill the other seats."""
        best = next(iter(self.players()))
        return dict.fromkeys(self.roles[1:], best)


class Spiel(SeatedGame, kw_only=True, frozen=True):
    """Any game of OpenSpiel's in which players move in turn, told in its own words."""

    capabilities: ClassVar[Capabilities] = Capabilities(action_ids=True)
    optional_roles: ClassVar[tuple[str, ...]] = ("third", "fourth", "fifth")

    game: str = "tic_tac_toe"
    """OpenSpiel's name of it, with settings in brackets: `leduc_poker(players=3)`, `hex(board_size=5)`."""
    rewards: Rewards = "game"
    """See `SeatedGame`."""

    def start(self) -> State:
        """OpenSpiel's state."""
        return load(self.game).new_initial_state()

    def face(self) -> Face:
        """OpenSpiel's words."""
        return _own_words(self.game)

    def pays(self) -> tuple[float, float]:
        """As OpenSpiel says; an illegal move of another may pay the others a share of the worst loss."""
        game = load(self.game)
        return game.min_utility(), max(game.max_utility(), -game.min_utility())

    def longest(self) -> int:
        """As OpenSpiel says."""
        return load(self.game).max_game_length()

    def players(self) -> dict[str, Any]:
        """`mcts` for games that hide nothing; `cfr` for small games of two that hide something."""
        return {
            "random": RandomLegal(),
            "mcts": TreeSearch(self.game),
            "mcts_1000": TreeSearch(self.game, 1000),
            "solver": TreeSearch(self.game, 2000, rollouts=1, solve=True),
            "cfr": Equilibrium(self.game, 300),
        }

    def defaults(self) -> Mapping[str, str]:
        """Random players, as many as the game needs."""
        return dict.fromkeys(self.seats[1 : load(self.game).num_players()], "random")


@cache
def _own_words(name: str) -> Face:
    """The face of a game that has none of ours.

    Raises:
        ConfigError: it is no game of several who move in turn, with chance that can be seeded.
    """
    kinds, game = library().GameType, load(name)
    kind = game.get_type()
    seeded = kind.chance_mode != kinds.ChanceMode.SAMPLED_STOCHASTIC
    if kind.dynamics != kinds.Dynamics.SEQUENTIAL or game.num_players() < 2 or not seeded:
        raise ConfigError(
            f"game {name!r}: expected two players or more who move in turn, and chance whose odds are listed"
        )
    return Face(
        kind.long_name,
        players=game.num_players(),
        perfect=kind.information == kinds.Information.PERFECT_INFORMATION,
        informs=kind.provides_information_state_string,
        observes=kind.provides_observation_string,
        worst=game.min_utility(),
    )
