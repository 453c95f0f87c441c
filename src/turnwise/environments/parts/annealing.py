"""An annealed turn limit: how long an episode may be follows from how long the last ones were.

After every window of training iterations the limit becomes (mean + max) / 2 of the turns that episodes took
in it ("Thinking by Doing", Shu et al. 2025, arXiv:2511.23476: window 100, at first 30 turns), so that a
policy must plan more in each turn than it did before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import msgspec

from turnwise.environment import Environment
from turnwise.errors import ConfigError, did_you_mean
from turnwise.wire import Record

AnyEnvironment = TypeVar("AnyEnvironment", bound=Environment)


class AnnealedLimit(Record, frozen=True, kw_only=True):
    """The limit now, and what the current window has seen: a value, stored with a checkpoint as it is.

    Raises:
        ConfigError: for an initial limit or a window below 1.
    """

    initial: int = 30
    """The limit at first; it never rises above."""
    window: int = 100
    """Iterations after which it is renewed."""
    current: int | None = None
    """The limit, once it was renewed."""
    iterations: int = 0
    """Iterations of the current window so far, and the episodes, turns and most turns they had."""
    episodes: int = 0
    turns: int = 0
    longest: int = 0

    def __post_init__(self) -> None:
        if self.initial < 1 or self.window < 1:
            raise ConfigError(
                f"annealed limit: expected initial >= 1 and window >= 1, got {self.initial} and {self.window}"
            )

    @property
    def limit(self) -> int:
        """Most turns of an episode now."""
        return self.initial if self.current is None else self.current

    def after(self, turns: Iterable[int]) -> AnnealedLimit:
        """The limit after one more iteration, whose episodes took so many turns each."""
        counts = list(turns)
        seen = msgspec.structs.replace(
            self,
            iterations=self.iterations + 1,
            episodes=self.episodes + len(counts),
            turns=self.turns + sum(counts),
            longest=max(self.longest, *counts) if counts else self.longest,
        )
        return seen if seen.iterations < self.window else seen._renewed()

    def applied(self, environment: AnyEnvironment, setting: str = "max_turns") -> AnyEnvironment:
        """The environment with the limit as its `setting`.

        Raises:
            ConfigError: it has no such setting.
        """
        known = [field.name for field in msgspec.structs.fields(environment)]
        if setting not in known:
            raise ConfigError(
                f"annealed limit: {environment.name} has no setting {setting!r}{did_you_mean(setting, known)}"
            )
        return msgspec.structs.replace(environment, **{setting: self.limit})

    def _renewed(self) -> AnnealedLimit:
        limit = self.limit
        if self.episodes:
            middle = (self.turns / self.episodes + self.longest) / 2
            # Half a turn counts as one: all episodes of one length keep that length.
            limit = min(self.initial, max(1, int(middle + 0.5)))
        return AnnealedLimit(initial=self.initial, window=self.window, current=limit)
