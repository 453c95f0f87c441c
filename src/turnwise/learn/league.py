"""A league: past checkpoints of a training's policy, to play against.

Who only plays against what it is now may run in circles, beating itself and forgetting how to beat what it
was. Fictitious self-play draws past players uniformly (Heinrich et al., 2015); its prioritised form draws
them by how hard they are, `(1 - p)²` with p the policy's rate of wins against them (Vinyals et al.,
"Grandmaster level in StarCraft II using multi-agent reinforcement learning", 2019).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Literal

import msgspec

from turnwise import wire
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog

FILE = "league.json"


class Record(wire.Record, frozen=True, kw_only=True):
    """How the policy did against one of its past."""

    player: int
    games: int = 0
    wins: float = 0.0
    """A draw is half of one."""

    @property
    def rate(self) -> float:
        """Rate of wins, 1/2 while nothing is known (Laplace's rule)."""
        return (self.wins + 1) / (self.games + 2)


class League:
    """Who of the past plays next, and how it went so far.

    A past player is named by the step its weights stood before; 0 is what the training began with.

    Args:
        draw: `uniform`, or `pfsp`.
        seed: Of the training.
    """

    def __init__(self, draw: Literal["uniform", "pfsp"], *, seed: int) -> None:
        self._draw = draw
        self._seed = seed
        self.records: dict[int, Record] = {}

    def drawn(self, step: int, past: Sequence[int]) -> int:
        """Who plays in a step.

        Args:
            step: Its number.
            past: Who there is.
        """
        known = [self.records.get(player, Record(player=player)) for player in past]
        weights = [(1 - record.rate) ** 2 if self._draw == "pfsp" else 1.0 for record in known]
        return Random(f"{self._seed}/league/{step}").choices(past, weights)[0]

    def met(self, player: int, logs: Iterable[EpisodeLog], *, policy: str, other: str) -> None:
        """Take note of episodes against a past player.

        Args:
            player: Who it was.
            logs: What was played; what has no score is passed over.
            policy: The policy's role.
            other: The past player's.
        """
        record = self.records.get(player, Record(player=player))
        for log in logs:
            mine, its = log.score(policy), log.score(other)
            if mine is not None and its is not None:
                won = 0.5 if mine == its else float(mine > its)
                record = msgspec.structs.replace(record, games=record.games + 1, wins=record.wins + won)
        self.records[player] = record

    def save(self, folder: Path) -> None:
        """Write the records."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(wire.encode(list(self.records.values())))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote.

        Raises:
            ConfigError: it cannot be read.
        """
        try:
            found = wire.decode((folder / FILE).read_bytes(), list[Record])
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"cannot read {folder / FILE}: {error}") from None
        self.records = {record.player: record for record in found}
