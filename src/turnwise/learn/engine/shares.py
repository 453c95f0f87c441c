"""A batch's rows dealt to ranks, so that all have the same work: as many tokens, and as many passes.

A forward pass gathers weights from all ranks, so every rank takes part in every one: a rank that has run out
of rows goes on with passes in which nothing was sampled.
"""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Batch, Floats, Ints
from turnwise.learn.engine.layout import Layout, Micro, micro_batches
from turnwise.learn.tables import select_rows

_IDLE = Micro(
    ids=np.zeros((1, 1), dtype=np.int64),
    predict=np.zeros(0, dtype=np.int64),
    target=np.zeros(0, dtype=np.int64),
    places=np.zeros(0, dtype=np.int64),
)
"""One token to feed, and nothing to say of it."""


def shares(batch: Batch, ranks: int, budget: int, layout: Layout) -> list[list[Micro]]:
    """The forward passes of each rank, equally many for all.

    Args:
        batch: Rows of any length.
        ranks: How many ranks.
        budget: Most tokens in one pass of one rank; see `micro_batches`.
        layout: See `layout`. In trees, the rows of a group stay together, because they begin alike.

    Returns:
        For each rank its passes; over all ranks each sampled token of the batch occurs once.
    """
    _, unit = np.unique(
        batch.turns.group[batch.row_episode] if layout == "trees" else np.arange(batch.rows),
        return_inverse=True,
    )
    work = np.bincount(unit, weights=np.diff(batch.row_start)).astype(np.float64)
    owner = deal(work, ranks)[unit]
    dealt = [_passes(batch, np.flatnonzero(owner == rank), budget, layout) for rank in range(ranks)]
    most = max(len(passes) for passes in dealt)
    return [passes + [_IDLE] * (most - len(passes)) for passes in dealt]


def deal(work: Floats, ranks: int) -> Ints:
    """`[N]` Who does each piece of work: the largest go first, each to who has the least so far.

    Nobody has more than an equal share and the largest piece together (Graham's rule).

    Args:
        work: `[N]` How much each piece is.
        ranks: How many share it.
    """
    loads = np.zeros(ranks)
    owner = np.zeros(len(work), dtype=np.int64)
    for number in np.argsort(-work, kind="stable"):
        owner[number] = loads.argmin()
        loads[owner[number]] += work[number]
    return owner


def _passes(batch: Batch, rows: Ints, budget: int, layout: Layout) -> list[Micro]:
    """The passes over some rows, their places being those in the whole batch."""
    if not len(rows):
        return []
    row = np.repeat(np.arange(batch.rows), np.diff(batch.row_start))[batch.sampled]
    places = np.flatnonzero(np.isin(row, rows))
    part = select_rows(batch, rows)
    return [micro._replace(places=places[micro.places]) for micro in micro_batches(part, budget, layout)]
