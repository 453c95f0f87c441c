"""Rows into micro-batches for a dense or a packed forward pass: which ids to feed, and where the samples are.

Two layouts. **Rectangles**: rows of like length one below the other, padded on the right; causal attention
never looks there, so there is no mask at all, and that is what a CPU does fastest. **Lines**: rows one behind
the other in a single long one, positions beginning anew with each, attention kept inside each row
(transformers reads the borders from the positions); nothing is padded. A row is fed up to the token before
its last sampled one: what comes later has no part in any sampled token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.learn.batch import Batch, Ints

Layout: TypeAlias = Literal["rectangles", "lines"]


class Micro(NamedTuple):
    """One forward pass."""

    ids: npt.NDArray[np.int64]
    """`[rows, width]`; a line is one row."""
    positions: Ints | None
    """`[1, width]` In a line; None where they run from 0 in each row."""
    predict: Ints
    """`[m]` Place in the flattened `ids` whose output predicts each sampled token."""
    target: Ints
    """`[m]` The sampled token's id."""
    places: Ints
    """`[m]` Its number among the batch's sampled tokens."""


def micro_batches(batch: Batch, budget: int, layout: Layout) -> Iterator[Micro]:
    """Cut a batch into forward passes.

    Args:
        batch: Rows of any length.
        budget: Most tokens in one pass, padding included; a longer row stands alone.
        layout: See the module.

    Yields:
        Passes in a fixed order, in which each sampled token of the batch occurs once.
    """
    sampled = np.flatnonzero(batch.sampled)
    # Sampled tokens of row r are first[r] … first[r + 1] - 1 of `sampled`.
    first = np.searchsorted(sampled, batch.row_start)
    learned = np.flatnonzero(first[1:] > first[:-1])
    widths = sampled[first[1:][learned] - 1] - batch.row_start[learned]
    order = learned[np.argsort(-widths, kind="stable")]
    width_of = np.zeros(batch.rows, dtype=np.int64)
    width_of[learned] = widths
    for rows in _groups(order, width_of, budget, layout):
        yield _micro(batch, sampled, first, rows, width_of[rows], layout)


def _groups(order: Ints, width_of: Ints, budget: int, layout: Layout) -> Iterator[Ints]:
    start, used = 0, 0
    for end, row in enumerate(order):
        width = int(width_of[row])
        # Rows come longest first, so a rectangle is as wide as its first row.
        grown = used + width if layout == "lines" else (end - start + 1) * int(width_of[order[start]])
        if end > start and grown > budget:
            yield order[start:end]
            start, grown = end, width
        used = grown
    if start < len(order):
        yield order[start:]


def _micro(batch: Batch, sampled: Ints, first: Ints, rows: Ints, widths: Ints, layout: Layout) -> Micro:
    if layout == "lines":
        offsets = np.concatenate([[0], np.cumsum(widths)])[:-1]
        shape = (1, int(widths.sum()))
    else:
        offsets = np.arange(len(rows)) * int(widths[0])
        shape = (len(rows), int(widths[0]))
    starts = batch.row_start[rows]
    ids = np.zeros(shape[0] * shape[1], dtype=np.int64)
    fed = _ranges(offsets, widths)
    inside = _ranges(np.zeros_like(widths), widths)
    ids[fed] = batch.ids[np.repeat(starts, widths) + inside]
    counts = first[rows + 1] - first[rows]
    places = _ranges(first[rows], counts)
    tokens = sampled[places]
    predict = tokens - np.repeat(starts - offsets, counts) - 1
    positions = inside[None] if layout == "lines" else None
    return Micro(ids.reshape(shape), positions, predict, batch.ids[tokens].astype(np.int64), places)


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """`start, start + 1 … start + length - 1` for each pair, one behind the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1])) + np.repeat(starts - ends + lengths, lengths)
