"""What is compared where a role is called several times in an episode: each call, not all it did there."""

from __future__ import annotations

import msgspec
import numpy as np

from turnwise.learn.batch import Bools, Floats, Ints, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.group import dense, joined


class Calls(msgspec.Struct, frozen=True, kw_only=True):
    """Calls `[U]` of roles, and whole chains of roles that are not compared by call."""

    of_turn: Ints
    """`[K]` Call of each turn."""
    first: Ints
    """`[U]` First turn of each."""
    score: Floats
    """`[U]` What its turns were given."""
    counted: Bools
    """`[U]` Whether it counts in statistics."""
    siblings: Floats
    """`[U]` Calls of the same role in the same episode, itself among them."""


def calls(turns: Turns, call: Ints, by_call: Bools) -> Calls:
    """The calls of `turns`.

    Args:
        turns: The turns.
        call: `[K]` Number of the call that a turn belongs to (its row, `Batch.turn_row`).
        by_call: `[K]` Turns of roles that are compared by call.
    """
    chain, count, _ = chains(turns)
    unit = joined(chain, np.where(by_call, dense(call) + 1, 0))
    _, first, of_turn = np.unique(unit, return_index=True, return_inverse=True)
    siblings = np.bincount(chain[first], minlength=count)[chain[first]]
    return Calls(
        of_turn=of_turn,
        first=first,
        score=np.asarray(np.bincount(of_turn, turns.reward, minlength=len(first)), np.float64),
        counted=np.bincount(of_turn, turns.counted, minlength=len(first)) > 0,
        siblings=siblings.astype(np.float64),
    )
