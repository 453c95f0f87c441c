"""`spiel:GAME`: any game of OpenSpiel's in which players move in turn, told in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from turnwise.agents.legal import RandomLegal
from turnwise.environment import Capabilities
from turnwise.environments.adapters.foreign import derived
from turnwise.environments.mars.environment import SeatedGame
from turnwise.environments.mars.face import Face
from turnwise.environments.mars.players import Equilibrium, TreeSearch
from turnwise.environments.mars.spiel import Rewards, State, library, load
from turnwise.errors import ConfigError


class _Face(Face):
    lasting = False


class Spiel(SeatedGame, kw_only=True, frozen=True):
    """Base of the environments `spiel:GAME`; see `environment`."""

    capabilities: ClassVar[Capabilities] = Capabilities(action_ids=True)
    game: ClassVar[str]
    """OpenSpiel's name of it."""
    told: ClassVar[Face]

    rewards: Rewards = "game"
    """See `SeatedGame`."""

    def start(self) -> State:
        """OpenSpiel's state."""
        return load(self.game).new_initial_state()

    def face(self) -> Face:
        """OpenSpiel's words."""
        return self.told

    def pays(self) -> tuple[float, float]:
        """As OpenSpiel says; another's illegal move pays a share of the worst loss."""
        game = load(self.game)
        return game.min_utility(), max(game.max_utility(), -game.min_utility())

    def longest(self) -> int:
        """As OpenSpiel says."""
        return load(self.game).max_game_length()

    def players(self) -> dict[str, Any]:
        """Tree search where nothing is hidden; else `cfr`, for small games of two; `random`."""
        players: dict[str, Any] = {"random": RandomLegal()}
        if self.told.perfect:
            players["mcts"] = TreeSearch(self.game)
            players["mcts_1000"] = TreeSearch(self.game, 1000)
            players["solver"] = TreeSearch(self.game, 3000, rollouts=1, solve=True)
        elif self.told.players == 2:
            players["solver"] = players["cfr"] = Equilibrium(self.game, 300)
        return players

    def defaults(self) -> Mapping[str, str]:
        """Random players."""
        return dict.fromkeys(self.roles[1:], "random")


def environment(rest: str) -> type[Spiel]:
    """The environment `spiel:GAME`, with OpenSpiel's settings of the game in brackets if need be.

    `spiel:hex(board_size=5)`, `spiel:leduc_poker(players=3)`; further roles are `opponent_2` and so on.

    Raises:
        ConfigError: OpenSpiel is missing, knows no such game, or it is no game of several who move in turn
            with chance that can be seeded.
    """
    kinds, game = library().GameType, load(rest)
    kind, count = game.get_type(), game.num_players()
    seeded = kind.chance_mode != kinds.ChanceMode.SAMPLED_STOCHASTIC
    if kind.dynamics != kinds.Dynamics.SEQUENTIAL or count < 2 or not seeded:
        raise ConfigError(
            f"game {rest!r}: expected two players or more who move in turn, and chance whose odds are listed"
        )
    face = _Face(
        kind.long_name,
        players=count,
        perfect=kind.information == kinds.Information.PERFECT_INFORMATION,
        informs=kind.provides_information_state_string,
        observes=kind.provides_observation_string,
        worst=game.min_utility(),
    )
    attributes = {
        "__doc__": f"{kind.long_name}, as OpenSpiel tells it.",
        "roles": ("agent", "opponent", *(f"opponent_{number}" for number in range(2, count))),
        "game": rest,
        "told": face,
    }
    return derived(Spiel, f"spiel:{rest}", attributes)
