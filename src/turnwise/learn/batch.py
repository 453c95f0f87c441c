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

from collections.abc import Iterator
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from turnwise.errors import ConfigError

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
    """`[T]` Log-probability (natural) under the policy that sampled it; 0 where not sampled, NaN where a
    sampled token's is not known."""
    turn: Ints
    """`[T]` Number of the turn that sampled it; -1 where not sampled."""
    turns: Turns
    turn_row: Ints
    """`[K]` Row of each turn."""
    turn_version: Ints
    """`[K]` Policy version that sampled it, a training step; -1 where that is not known."""
    outcome: Floats
    """`[E]` Score of each episode for its trained role (the first one, where there are several)."""
    truncated: Bools
    """`[E]` Whether the episode was cut off (a limit) instead of ending by itself."""
    names: tuple[str, ...] = ()
    """`[E]` Where each episode is stored: `RUN/NUMBER`."""
    roles: tuple[str, ...] = ("agent",)
    """Names of the numbers in `turns.role`."""
    turn_at: Ints | None = None
    """`[K]` Index of the visible turn it became in its episode's log, from which a fork can begin; -1 for a
    sample that never became one. None where episodes have no logs."""
    turn_cut: Bools | None = None
    """`[K]` Whether the sample was cut off at its token limit, so that no end of turn was sampled; a penalty
    for long samples, or a mask, needs it. None where that is not known."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.row_start) - 1

    @property
    def row_episode(self) -> Ints:
        """`[R]` Episode of each row."""
        episode = np.full(self.rows, -1, dtype=np.int64)
        episode[self.turn_row] = self.turns.episode
        return episode


def check(batch: Batch) -> Batch:
    """`batch`, if it is one: lengths and numbers fit, and the tokens of a turn are one span of its row.

    Raises:
        ConfigError: naming the first thing that does not.
    """
    for what, holds in _rules(batch):
        if not holds:
            raise ConfigError(f"this is no batch: expected {what}; make batches by turnwise.learn.rows")
    return batch


def _rules(batch: Batch) -> Iterator[tuple[str, bool | np.bool_]]:
    """What must hold, in an order in which each rule may rely on those before it."""
    turns, tokens, k = batch.turns, len(batch.ids), len(batch.turns.episode)
    for name, size in _lengths(batch):
        for field in COLUMNS[name]:
            value = column(batch, field)
            yield f"{size} entries in {field}", value is None or len(value) == size
    starts = batch.row_start
    yield "row_start from 0 to the number of tokens", starts[0] == 0 and starts[-1] == tokens
    yield "rows that hold a token each", (np.diff(starts) > 0).all()
    yield "episodes that do not decrease over turns", (np.diff(turns.episode) >= 0).all()
    for field, size in (("turns.episode", len(turns.group)), ("turn_row", batch.rows), ("turn", k)):
        value = column(batch, field)
        yield f"{field} below {size}", not len(value) or (value.min() >= -1 and value.max() < size)
    yield "a turn for each sampled token, and for no other", ((batch.turn >= 0) == batch.sampled).all()
    counts = np.bincount(batch.turn[batch.sampled], minlength=k)
    yield "turns.tokens as many as there are of each turn", (counts == turns.tokens).all()
    first, last = _spans(batch)
    yield "the tokens of a turn in one span", (last - first + 1 == turns.tokens).all()
    row = batch.turn_row
    yield "the tokens of a turn in its row", ((first >= starts[row]) & (last < starts[row + 1])).all()


def _spans(batch: Batch) -> tuple[Ints, Ints]:
    """`[K]` First and last token of each turn."""
    where = np.flatnonzero(batch.sampled)
    turn = batch.turn[where]
    first = np.full(len(batch.turns.episode), len(batch.ids), dtype=np.int64)
    last = np.full(len(batch.turns.episode), -1, dtype=np.int64)
    np.minimum.at(first, turn, where)
    np.maximum.at(last, turn, where)
    return first, last


COLUMNS = {
    "token": ("ids", "sampled", "logprobs", "turn"),
    "turn": (
        *(f"turns.{name}" for name in Turns.__struct_fields__ if name != "group"),
        *("turn_row", "turn_version", "turn_at", "turn_cut"),
    ),
    "episode": ("turns.group", "outcome", "truncated", "names"),
}
"""The arrays of a batch, by the table they are columns of."""


def column(batch: Batch, field: str) -> Any:
    """A field by its name, those of the turns as `turns.name`; None for names of episodes that have none."""
    table, _, name = field.rpartition(".")
    value = getattr(batch.turns if table else batch, name)
    return None if field == "names" and not value and len(batch.turns.group) else value


def _lengths(batch: Batch) -> tuple[tuple[str, int], ...]:
    tokens, turns, episodes = len(batch.ids), len(batch.turns.episode), len(batch.turns.group)
    return ("token", tokens), ("turn", turns), ("episode", episodes)
