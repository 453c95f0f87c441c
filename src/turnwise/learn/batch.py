"""The one form in which episodes are learned from: flat arrays with offsets, nothing padded.

Three tables, each a set of arrays of equal length:

- **tokens** `[T]`: all rows one behind the other. A row is what a model was fed and sampled in one unbroken
  view (see `rows.py`); `row_start` has where each begins.
- **turns** `[K]`: one entry for each model call whose sample is learned from, in the order (episode, time).
  Its tokens are one contiguous span of one row, so a turn's end is stated, never inferred from a reward.
- **episodes** `[E]`: what groups and baselines are about.

Three masks stay apart. What may attend to what follows from the rows (`pack.py`); what is learned from is
`sampled` (and `weight`); what counts in a statistic is said by `Turns.counted`.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """What credit is assigned from and to: one entry for each turn `[K]`, sorted by (episode, time).

    A turn is one call of a model whose sample is learned from. All arrays but `group` have length K.
    """

    episode: Ints
    """Number of its episode, 0 … E-1, not decreasing."""
    group: Ints
    """`[E]` Group of each episode: the episodes of one task, compared with each other."""
    reward: Floats
    """Reward given for it. What was given for the whole episode stands with the role's last turn."""
    index: Ints
    """Its number among the turns of its role in its episode, from 0."""
    role: Ints
    """Who took it: a number for each trained role."""
    tokens: Ints
    """Sampled tokens."""
    state: Ints | None = None
    """A number for each state it was taken in; equal numbers, equal states. None where there are no keys."""
    counted: Bools | None = None
    """Whether it counts in statistics (baselines, deviations); None counts all."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of tokens with what is known of each token, turn and episode."""

    ids: npt.NDArray[np.int32]
    """`[T]` Token ids, exactly as fed and sampled."""
    row_start: Ints
    """`[R + 1]` Where each row begins in `ids`; the last entry is T."""
    sampled: Bools
    """`[T]` Whether a policy sampled it: from the record of the call, never from a role's name."""
    logprobs: npt.NDArray[np.float32]
    """`[T]` Log-probability (natural) under the policy that sampled it; 0 where not sampled."""
    turn: Ints
    """`[T]` Number of the turn that sampled it; -1 where not sampled."""
    turns: Turns
    turn_row: Ints
    """`[K]` Row of each turn."""
    turn_version: Ints
    """`[K]` Policy version that sampled it, a training step."""
    outcome: Floats
    """`[E]` Score of each episode for its trained role (the first one, where there are several)."""
    truncated: Bools
    """`[E]` Whether the episode was cut off (a limit) instead of ending by itself."""
    names: tuple[str, ...] = ()
    """`[E]` Where each episode is stored: `RUN/NUMBER`."""
    roles: tuple[str, ...] = ("agent",)
    """Names of the numbers in `turns.role`."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.row_start) - 1
