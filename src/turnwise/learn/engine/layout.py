"""Rows into micro-batches for a forward pass: which ids to feed, who attends to whom, where the samples are.

Three layouts. **Rectangles**: rows of like length one below the other, padded on the right, where causal
attention never looks, so there is no mask at all; a CPU does these fastest. **Lines** (`pack.py`): rows one
behind the other, positions beginning anew with each, attention kept inside each row (transformers reads the
borders from the positions); nothing is padded. **Trees**: lines in which rows that begin alike share their
beginning; they need a mask, and models that take one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.learn.batch import Batch, Bools, Ints
from turnwise.learn.pack import Line, pack

Layout: TypeAlias = Literal["rectangles", "lines", "trees"]


class Micro(NamedTuple):
    """One forward pass."""

    ids: npt.NDArray[np.int64]
    """`[rows, width]`; a line is one row."""
    predict: Ints
    """`[m]` Place in the flattened `ids` whose output predicts each sampled token."""
    target: Ints
    """`[m]` The sampled token's id."""
    places: Ints
    """`[m]` Its number among the batch's sampled tokens."""
    positions: Ints | None = None
    """`[1, width]` In a line; None where they run from 0 in each row."""
    mask: Bools | None = None
    """`[width, width]` In a tree: whether the token of a row attends to that of a column."""


def micro_batches(batch: Batch, budget: int, layout: Layout) -> Iterator[Micro]:
    """Cut a batch into forward passes.

    Args:
        batch: Rows of any length.
        budget: Most tokens in one pass, padding included; a longer row stands alone.
        layout: See the module.

    Yields:
        Passes in a fixed order, in which each sampled token of the batch occurs once.
    """
    if layout == "rectangles":
        yield from _rectangles(batch, budget)
        return
    number = np.cumsum(batch.sampled) - 1
    longest = int(np.diff(batch.row_start).max(initial=1))
    for line in pack(batch, max(budget, longest), share=layout == "trees"):
        yield _line(batch, line, number)


def _line(batch: Batch, line: Line, number: Ints) -> Micro:
    tokens, slots = line.targets(batch, batch.sampled)
    return Micro(
        ids=line.ids.astype(np.int64)[None],
        predict=slots,
        target=batch.ids[tokens].astype(np.int64),
        places=number[tokens],
        positions=line.position[None],
        mask=None if line.plain else line.mask(),
    )


def _rectangles(batch: Batch, budget: int) -> Iterator[Micro]:
    """The longest rows first. A row is fed up to the token before its last sampled one, which is all it
    takes."""
    sampled = np.flatnonzero(batch.sampled)
    # Sampled tokens of row r are first[r] … first[r + 1] - 1 of `sampled`.
    first = np.searchsorted(sampled, batch.row_start)
    learned = np.flatnonzero(first[1:] > first[:-1])
    widths = sampled[first[1:][learned] - 1] - batch.row_start[learned]
    order = np.argsort(-widths, kind="stable")
    rows, widths = learned[order], widths[order]
    start = 0
    while start < len(rows):
        # As wide as its first row is, which is the longest of those left.
        end = start + max(1, budget // int(widths[start]))
        yield _rectangle(batch, sampled, first, rows[start:end], widths[start:end])
        start = end


def _rectangle(batch: Batch, sampled: Ints, first: Ints, rows: Ints, widths: Ints) -> Micro:
    width = int(widths[0])
    offsets = np.arange(len(rows)) * width
    ids = np.zeros(len(rows) * width, dtype=np.int64)
    ids[_ranges(offsets, widths)] = batch.ids[_ranges(batch.row_start[rows], widths)]
    counts = first[rows + 1] - first[rows]
    places = _ranges(first[rows], counts)
    tokens = sampled[places]
    predict = tokens - np.repeat(batch.row_start[rows] - offsets, counts) - 1
    return Micro(ids.reshape(len(rows), width), predict, batch.ids[tokens].astype(np.int64), places)


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """`start, start + 1 … start + length - 1` for each pair, one behind the other."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1])) + np.repeat(starts - ends + lengths, lengths)
