"""Rows into micro-batches for a forward pass: which ids to feed, who attends to whom, where the samples are.

Three layouts. **Rectangles**: rows of like length one below the other, padded on the right, where causal
attention never looks, so there is no mask at all; a CPU does these fastest. **Lines** (`pack.py`): rows one
behind the other, positions beginning anew with each, attention kept inside each row (transformers reads the
borders from the positions); nothing is padded. **Trees**: lines in which rows that begin alike share their
beginning, computed once, for models that take them (`trees.fits`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.learn.batch import Batch, Ints
from turnwise.learn.pack import Line, pack, segments_of

Layout: TypeAlias = Literal["rectangles", "lines", "trees"]
_WORTH = 0.8
"""Trees are taken by themselves where they have at most this share of the rows' tokens."""


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
    reach: Ints | None = None
    """`[width]` In a line of trees: where ends what continues each token (`Line.reach`)."""

    @property
    def segments(self) -> Ints | None:
        """`[S, 3]` In a line of trees: its stretches without a fork (`segments_of`)."""
        return None if self.reach is None else segments_of(self.reach)

    def once(self) -> tuple[Micro, Ints | None]:
        """The same with each prediction that rows share made once.

        Returns:
            It, without `places`, and `[m]` which of its predictions is each sampled token's; itself and None
            where none is shared.
        """
        if self.reach is None:
            return self, None
        pairs = self.predict.astype(np.int64) << 32 | self.target
        _, first, which = np.unique(pairs, return_index=True, return_inverse=True)
        if len(first) == len(self.predict):
            return self, None
        return self._replace(predict=self.predict[first], target=self.target[first], places=first[:0]), which


def micro_batches(batch: Batch, budget: int, layout: Layout, *, share: bool = False) -> Iterator[Micro]:
    """Cut a batch into forward passes.

    Args:
        batch: Rows of any length.
        budget: Most tokens in one pass, padding included; a longer row stands alone.
        layout: See the module.
        share: Take trees instead, where they save a fifth of the tokens or more.

    Yields:
        Passes in a fixed order, in which each sampled token of the batch occurs once.
    """
    fed = _fed(batch)
    room = max(budget, int(fed.max(initial=1)))
    if share or layout == "trees":
        trees = pack(batch, room, share=True, fed=fed)
        if layout == "trees" or sum(len(line.ids) for line in trees) <= _WORTH * fed.sum():
            yield from _lines(batch, trees, trees=True)
            return
    if layout == "rectangles":
        yield from _rectangles(batch, fed, budget)
    else:
        yield from _lines(batch, pack(batch, room, fed=fed), trees=False)


def _fed(batch: Batch) -> Ints:
    """`[R]` How much of each row is fed: up to the token before its last sampled one, all that it takes."""
    # How many sampled tokens there are up to the end of each row, and with that the last one in it.
    until = np.append(0, np.cumsum(batch.sampled))[batch.row_start]
    sampled = np.append(np.flatnonzero(batch.sampled), 0)
    return np.where(until[1:] > until[:-1], sampled[until[1:] - 1] - batch.row_start[:-1], 0)


def _lines(batch: Batch, lines: list[Line], *, trees: bool) -> Iterator[Micro]:
    number = np.cumsum(batch.sampled) - 1
    for line in lines:
        yield _line(batch, line, number, trees=trees)


def _line(batch: Batch, line: Line, number: Ints, *, trees: bool) -> Micro:
    tokens, slots = line.targets(batch, batch.sampled)
    return Micro(
        ids=line.ids.astype(np.int64)[None],
        predict=slots,
        target=batch.ids[tokens].astype(np.int64),
        places=number[tokens],
        positions=line.position[None],
        reach=line.reach if trees else None,
    )


def _rectangles(batch: Batch, fed: Ints, budget: int) -> Iterator[Micro]:
    """The longest rows first."""
    sampled = np.flatnonzero(batch.sampled)
    # Sampled tokens of row r are first[r] … first[r + 1] - 1 of `sampled`.
    first = np.searchsorted(sampled, batch.row_start)
    learned = np.flatnonzero(fed)
    widths = fed[learned]
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
