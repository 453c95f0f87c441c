"""Rows as lines of tokens that fit a budget, without padding; rows that begin alike share their beginning.

A line holds trees of tokens, each laid out depth first: a token stands behind all tokens it continues, and
all that continues it stands right behind it. A single row is the simplest tree. One number a token then says
who attends to whom, `reach`, the end of what continues it:

    token q attends to token k  if and only if  k <= q < reach[k]

For rows that share nothing this is causal attention in blocks. Positions are depths, so that a token is
computed as it would be alone in its row, and its log-probability does not depend on the packing.

Rows of a group begin with the same prompt, and forks with the same turns: shared, these are computed once,
forwards and backwards, whatever the number of rows, and the gradient is the same.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Bools, Ints
from turnwise.learn.views import Ids, common


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A micro-batch: N tokens in one line that stand for the M tokens of its rows."""

    ids: Ids
    """`[N]` Token ids."""
    position: Ints
    """`[N]` Place of each token in its row."""
    reach: Ints
    """`[N]` Where in the line ends what continues each token."""
    start: npt.NDArray[np.int32]
    """`[S + 1]` Where each tree begins (`cu_seqlens`), the last entry being N."""
    rows: Ints
    """Rows of the batch that are in it."""
    token: Ints
    """`[M]` Tokens of these rows that are fed, row by row, as numbers of tokens of the batch."""
    slot: Ints
    """`[M]` Where each of them stands in the line."""

    @property
    def plain(self) -> bool:
        """Whether no two rows share anything: then `start` and causal attention say it all."""
        return len(self.ids) == len(self.token)

    def targets(self, batch: Batch, wanted: Bools) -> tuple[Ints, Ints]:
        """Tokens to predict, and where from.

        A row's first token is predicted from nothing, and therefore never a target.

        Args:
            batch: The batch the line was made of.
            wanted: `[T]` which tokens of the batch are to be predicted, e.g. `batch.sampled`.

        Returns:
            Numbers of the tokens in the batch `[P]`, and the places in the line whose outputs predict
            them `[P]`.
        """
        wanted = np.append(wanted, False)
        wanted[batch.row_start] = False
        place = np.flatnonzero(wanted[self.token + 1])
        return self.token[place] + 1, self.slot[place]

    def mask(self) -> Bools:
        """`[N, N]` Whether the token of a row of the mask attends to that of a column."""
        return mask_of(self.reach)


def mask_of(reach: Ints) -> Bools:
    """`[N, N]` Whether the token of a row of the mask attends to that of a column, from `Line.reach`."""
    place = np.arange(len(reach))
    return (place <= place[:, None]) & (place[:, None] < reach)


def segments_of(reach: Ints) -> Ints:
    """Stretches of tokens without a fork, from `Line.reach`.

    Returns:
        `[S, 3]` Where each begins, where it ends, and where ends what continues it, which stands right behind
        it; in the order of the line.
    """
    place = np.arange(1, len(reach))
    # Another begins behind a token that nothing continues, and behind one that forks.
    begins = (reach[:-1] <= place) | (reach[1:] != reach[:-1])
    start = np.concatenate([[0], place[begins]])
    return np.stack([start, np.append(start[1:], len(reach)), reach[start]], axis=1)


def mask_rule(reach: Any) -> Callable[[Any, Any, Any, Any], Any]:
    """The mask as a function of (batch, head, query, key), as `create_block_mask` of flex attention wants it.

    Args:
        reach: `Line.reach` as a tensor on the device.
    """

    def attends(batch: Any, head: Any, query: Any, key: Any) -> Any:
        return (key <= query) & (query < reach[key])

    return attends


def pack(
    batch: Batch, budget: int, *, share: bool = False, least: int = 16, fed: Ints | None = None
) -> list[Line]:
    """All rows of a batch in few lines of at most `budget` tokens each.

    Rows go, the longest first, into the fullest line that has room (best fit decreasing). With `share`,
    rows that begin alike go together, as one tree as far as it fits.

    Args:
        batch: The batch.
        budget: Most tokens in a line.
        share: Whether rows share their beginnings.
        least: Fewest tokens of a stretch that is shared: where rows fork again sooner, they fork at once.
        fed: `[R]` How many tokens of each row to lay out, its first ones; by default all. A row of none is in
            no line.

    Returns:
        The lines, in the order of their first rows.

    Raises:
        ConfigError: a row is longer than the budget.
    """
    lengths = np.diff(batch.row_start) if fed is None else fed
    if len(lengths) and lengths.max() > budget:
        row = int(lengths.argmax())
        episode = int(batch.row_episode[row])
        name = batch.names[episode] if batch.names else episode
        raise ConfigError(
            f"row {row} (episode {name}) has {lengths[row]} tokens, more than the budget of {budget} for a "
            f"micro-batch; raise the budget, or limit the episodes' tokens"
        )
    pieces = _trees(batch, lengths, budget, least) if share else _alone(lengths)
    lines = [_line(batch, lengths, [pieces[number] for number in bin_]) for bin_ in _bins(pieces, budget)]
    return sorted(lines, key=lambda line: int(line.rows.min()))


class _Piece(NamedTuple):
    """Rows that stand together, as one tree."""

    rows: list[int]
    """In the order of the tree, depth first."""
    kept: list[int]
    """How many tokens each has in common with the one before it; 0 for the first."""
    size: int
    """Tokens of the tree."""


def _alone(lengths: Ints) -> list[_Piece]:
    return [_Piece([row], [0], int(size)) for row, size in enumerate(lengths) if size]


def _trees(batch: Batch, lengths: Ints, budget: int, least: int) -> list[_Piece]:
    """Rows in lexical order, where those that begin alike are neighbours, cut where little is shared."""
    rows = [
        batch.ids[begin : begin + size] for begin, size in zip(batch.row_start[:-1], lengths, strict=True)
    ]
    # Numbers of one sign and width, the highest byte first, sort as their bytes do.
    order = sorted(np.flatnonzero(lengths).tolist(), key=lambda row: rows[row].astype(">u4").tobytes())
    shared = [common(rows[one], rows[other]) for one, other in pairwise(order)]
    pieces: list[_Piece] = []
    for row, kept in zip(order, _forks(np.array([0, *shared], dtype=np.int64), least), strict=False):
        fresh = len(rows[row]) - kept
        if kept and pieces[-1].size + fresh <= budget:
            last = pieces[-1]
            pieces[-1] = _Piece(last.rows, last.kept, last.size + fresh)
            last.rows.append(row)
            last.kept.append(kept)
        else:
            pieces.append(_Piece([row], [0], len(rows[row])))
    return pieces


def _forks(shared: Ints, least: int) -> list[int]:
    """How much each row keeps of the one before it, so that each stretch between forks is long enough.

    The fewest tokens that any two neighbours share are where all their rows fork; who shares little more than
    that forks there too, and what is left between such rows is a group that goes on together.

    Args:
        shared: Tokens each row has in common with the one before it, 0 for the first.
        least: Fewest tokens of a stretch.
    """
    kept = shared.copy()
    work = [(0, len(kept), 0)]
    while work:
        first, end, fork = work.pop()
        at = np.flatnonzero(kept[first:end] < fork + least) + first
        kept[at] = fork
        for left, right in pairwise([first - 1, *at.tolist(), end]):
            if right - left > 1:
                work.append((left + 1, right, int(kept[left + 1 : right].min())))
    return kept.tolist()


def _bins(pieces: Sequence[_Piece], budget: int) -> list[list[int]]:
    """Pieces by the line they go into: best fit decreasing (Johnson 1973)."""
    order = sorted(range(len(pieces)), key=lambda number: (-pieces[number].size, number))
    bins: list[list[int]] = []
    room: list[tuple[int, int]] = []
    """Room that is left, and in which line, ascending."""
    for number in order:
        size = pieces[number].size
        place = bisect_left(room, (size, -1))
        if place < len(room):
            left, bin_ = room.pop(place)
        else:
            left, bin_ = budget, len(bins)
            bins.append([])
        bins[bin_].append(number)
        insort(room, (left - size, bin_))
    return bins


def _line(batch: Batch, lengths: Ints, pieces: Sequence[_Piece]) -> Line:
    """Pieces one behind the other."""
    total = sum(piece.size for piece in pieces)
    reach = np.full(total, total, dtype=np.int64)
    fresh: list[Ints] = []
    slots: list[Ints] = []
    tokens: list[Ints] = []
    positions: list[Ints] = []
    end, start = 0, [0]
    path: Ints = np.zeros(0, dtype=np.int64)
    for piece in pieces:
        for row, kept in zip(piece.rows, piece.kept, strict=True):
            begin = int(batch.row_start[row])
            stop = begin + int(lengths[row])
            # What the last row held beyond the common beginning is not continued any more.
            reach[path[kept:]] = end
            new = np.arange(end, end + stop - begin - kept)
            path = np.concatenate([path[:kept], new])
            end += len(new)
            slots.append(path)
            tokens.append(np.arange(begin, stop))
            fresh.append(tokens[-1][kept:])
            positions.append(np.arange(kept, stop - begin))
        start.append(end)
    return Line(
        ids=batch.ids[np.concatenate(fresh)],
        position=np.concatenate(positions),
        reach=reach,
        start=np.array(start, dtype=np.int32),
        rows=np.array([row for piece in pieces for row in piece.rows], dtype=np.int64),
        token=np.concatenate(tokens),
        slot=np.concatenate(slots),
    )
