"""Fixed opponents: perfect table, equilibrium by CFR, tree search. Models like any other, so roles' agents.

Each reads the `Position` it is offered (what its seat may know, nothing more) and keeps nothing between
moves: a draw follows from the role's seed and the number of the call.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from turnwise.environments.mars import noughts
from turnwise.environments.mars.spiel import Position, library, load
from turnwise.errors import ConfigError, ModelError
from turnwise.message import Message
from turnwise.model import Request, Sample


class Player:
    """A player that computes its move from a `Position`."""

    name = "player"
    remote = False

    def choose(self, position: Position, rng: random.Random) -> int:
        """The id of one of the position's actions."""
        raise NotImplementedError

    async def sample(self, request: Request) -> Sample:
        """A move.

        Raises:
            ModelError: the environment offers no position to compute from.
        """
        if not isinstance(request.actions, Position):
            raise ModelError(f"{self.name}: expected a game of OpenSpiel's to play", kind="script")
        rng = random.Random(f"{request.rng_seed}/{request.ordinal}")
        chosen = self.choose(request.actions, rng)
        return Sample(message=Message(role="assistant", content=request.actions.render([chosen])))

    async def close(self) -> None:
        """Nothing to let go of."""


class Perfect(Player):
    """Tic-tac-toe by its full table; draws among the best moves."""

    name = "perfect"

    def choose(self, position: Position, rng: random.Random) -> int:
        """A move that loses nothing."""
        return rng.choice(noughts.best(noughts.Noughts(moves_of(position)).board))


class Equilibrium(Player):
    """Plays a Nash equilibrium of a small two-player zero-sum game, found by CFR+ once a process.

    Args:
        game: OpenSpiel's name of it; the positions' information must be that game's.
        iterations: Of CFR+ (Tammelin 2014, arXiv:1407.5042).
    """

    name = "cfr"

    def __init__(self, game: str, iterations: int) -> None:
        self.game = game
        self.iterations = iterations

    def choose(self, position: Position, rng: random.Random) -> int:
        """A draw from the equilibrium."""
        policy = equilibrium(self.game, self.iterations).get(position.information)
        if policy is None:
            raise ModelError(f"cfr: {self.game} has no {position.information!r}", kind="script")
        actions, weights = zip(*policy, strict=True)
        return rng.choices(actions, weights)[0]


class TreeSearch(Player):
    """Monte-Carlo tree search with random rollouts (UCT), as OpenSpiel has it; for games that hide nothing.

    Args:
        game: OpenSpiel's name of it.
        simulations: A move.
        rollouts: Averaged at each leaf.
        solve: Whether proven wins and losses are passed up the tree.
        exploration: UCT's constant.
    """

    def __init__(
        self,
        game: str,
        simulations: int = 100,
        *,
        rollouts: int = 10,
        solve: bool = False,
        exploration: float = 2.0,
    ) -> None:
        self.name = f"mcts_{simulations}"
        self.game = game
        self.simulations = simulations
        self.rollouts = rollouts
        self.solve = solve
        self.exploration = exploration

    def choose(self, position: Position, rng: random.Random) -> int:
        """The move visited most.

        Raises:
            ConfigError: the game hides something.
        """
        spiel, game = library(), load(self.game)
        if game.get_type().information != spiel.GameType.Information.PERFECT_INFORMATION:
            raise ConfigError(f"{self.name} cannot play {self.game}, which hides something from its players")
        evaluator = spiel.RandomRolloutEvaluator(self.rollouts, rng.getrandbits(31))
        search = spiel.MCTSBot(
            game,
            evaluator,
            self.exploration,
            self.simulations,
            256,  # MiB for the tree
            self.solve,
            rng.getrandbits(31),
            False,
        )
        state = game.new_initial_state()
        for action in moves_of(position):
            state.apply_action(action)
        return search.step(state)


def moves_of(position: Position) -> list[int]:
    """All moves so far, in a game that hides nothing."""
    return [int(action) for action in position.information.split()]


@cache
def equilibrium(game: str, iterations: int) -> Mapping[str, Sequence[tuple[int, float]]]:
    """CFR+'s average policy: actions and their probabilities by information state.

    Raises:
        ConfigError: OpenSpiel is missing, or cannot solve such a game.
    """
    spiel: Any = library()
    try:
        solver = spiel.CFRPlusSolver(load(game))
    except spiel.SpielError as error:
        raise ConfigError(f"cfr cannot solve {game}: {str(error).partition(chr(10))[0]}") from None
    for _ in range(iterations):
        solver.evaluate_and_update_policy()
    return solver.tabular_average_policy().policy_table()
