"""WMAct's annealed turn limit as a curriculum: `environments.parts.annealing.AnnealedLimit` from what a
training plays ("Thinking by Doing", arXiv:2511.23476)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import msgspec

from turnwise.environments.parts.annealing import AnnealedLimit
from turnwise.learn.curriculum.protocol import AnyEnvironment, Curriculum, Group, Slot


class Annealed(Curriculum, frozen=True, kw_only=True):
    """Every task in its turn, in episodes that grow shorter.

    Raises:
        ConfigError: for an initial limit or a window below 1; later, for an environment without the setting.
    """

    initial: int = 30
    """The limit at first."""
    window: int = 100
    """Steps after which it is renewed, as (mean + max) / 2 of the turns that episodes took."""
    setting: str = "max_turns"
    """The environment's setting that it is."""
    limit: AnnealedLimit | None = None

    def __post_init__(self) -> None:
        self._limit()

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """With the turns of a step's episodes counted; those that failed are not."""
        turns = [len(seen.turns) for group in groups for seen in group.seen if seen.score is not None]
        return msgspec.structs.replace(self, limit=self._limit().after(turns))

    def applied(self, environment: AnyEnvironment) -> AnyEnvironment:
        """The environment with the limit as it is now."""
        return self._limit().applied(environment, self.setting)

    def _limit(self) -> AnnealedLimit:
        return self.limit or AnnealedLimit(initial=self.initial, window=self.window)
