"""Numbers of sampled tokens `[M]`: turn after turn, in the order of `Turns`, with nothing between them.

`order` says where these stand in a batch: `values[order(batch)]` are a critic's numbers in this order.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Floats, Ints, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.threads import kernels, spread

Reals: TypeAlias = npt.NDArray[Any]
Segment: TypeAlias = Literal["episode", "row", "turn"]
PIECE = 1 << 15


def order(batch: Batch) -> Ints:
    """`[M]` Where in the batch's tokens each sampled token stands, in turn order."""
    place = np.flatnonzero(batch.turn >= 0)
    turn = batch.turn[place]
    return place if np.all(turn[1:] >= turn[:-1]) else place[np.argsort(turn, kind="stable")]


def starts(turns: Turns) -> Ints:
    """`[K + 1]` Where each turn's tokens begin; the last entry is M."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(turns.tokens)])


def turn_starts(turns: Turns) -> Ints:
    """`[E + 1]` Where each episode's turns begin; the last entry is K."""
    count = np.bincount(turns.episode, minlength=len(turns.group))
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])


def segments(turns: Turns, segment: Segment, row: Ints | None) -> tuple[Ints, int]:
    """`[K]` What a recurrence runs along without a break, and how many such there are.

    Args:
        turns: The turns.
        segment: `episode` is all that one role did in an episode, over all its rows; `row` and `turn` break
            off earlier.
        row: `[K]` Row of each turn, for `row`.
    """
    if segment == "turn":
        return np.arange(len(turns.episode)), len(turns.episode)
    if segment == "row":
        if row is None:
            raise ConfigError("segment='row' needs the row of each turn (`Batch.turn_row`)")
        return row, int(row.max()) + 1 if len(row) else 0
    chain, count, _ = chains(turns)
    return chain, count


def sized(name: str, values: Reals, turns: Turns) -> Reals:
    """`values` as floats, after a check that there is one for each sampled token."""
    expected = int(turns.tokens.sum())
    if values.shape != (expected,):
        raise ConfigError(
            f"{name} has shape {values.shape}, but the turns have {expected} sampled tokens; "
            "give one number for each sampled token, turn after turn (`credit.tokens.order`)"
        )
    return np.ascontiguousarray(values, values.dtype if values.dtype == np.float32 else np.float64)


def returns(
    turns: Turns,
    *,
    gamma: float = 1.0,
    token_reward: Reals | None = None,
    segment: Segment = "episode",
    row: Ints | None = None,
    dtype: type[np.float32 | np.float64] = np.float64,
) -> Reals:
    """`[M]` Reward to go of each sampled token, G_t = r_t + γ·G_{t+1}; observations cost no discount.

    Args:
        turns: Their rewards come with each turn's last token.
        gamma: Discount per sampled token.
        token_reward: `[M]` Given to single tokens besides, such as a penalty for divergence.
        segment: What a return runs along (see `segments`).
        row: `[K]` Row of each turn, for `segment="row"`.
        dtype: float32 or float64.
    """
    chain, count = segments(turns, segment, row)
    start, first = starts(turns), turn_starts(turns)
    extra = sized("token_reward", token_reward, turns) if token_reward is not None else np.empty(0)
    out = np.empty(start[-1], dtype)
    reward = np.ascontiguousarray(turns.reward, np.float64)
    arguments = (first, start, chain, reward, extra, float(gamma), np.zeros(count), np.zeros(count), out)
    spread(kernels().token_returns, len(turns.group), len(out), *arguments)
    return out


def whiten(values: Reals, *, epsilon: float = 1e-8, out: Reals | None = None) -> Reals:
    """`[M]` `(x − mean) / √(variance + ε)` over all tokens, variance unbiased (verl `masked_whiten`).

    Args:
        values: `[M]` Of sampled tokens only, so no mask is needed.
        epsilon: Added to the variance.
        out: Where the result goes; may be `values` itself.
    """
    count = len(values)
    if count == 0:
        return values
    pieces = -(-count // PIECE)
    first, second = np.empty(pieces), np.empty(pieces)
    # One pass: sums about a number near the mean lose no digits.
    about = float(values[:: max(count // 1024, 1)].mean(dtype=np.float64))
    spread(kernels().piece_sums, pieces, count, PIECE, values, about, first, second)
    off = float(first.sum()) / count
    variance = max(float(second.sum()) - count * off * off, 0.0) / max(count - 1, 1)
    result = np.empty_like(values) if out is None else out
    factor = 1 / float(np.sqrt(variance + epsilon))
    spread(kernels().rescale, pieces, count, PIECE, values, about + off, factor, result)
    return result


def whiten_turns(values: Floats, turns: Turns, *, epsilon: float = 1e-8) -> Floats:
    """`[K]` The same for one number a turn that all its tokens share: long turns weigh more."""
    count = float(turns.tokens.sum())
    if count == 0:
        return values
    mean = values @ turns.tokens / count
    variance = ((values - mean) ** 2) @ turns.tokens / max(count - 1, 1)
    return (values - mean) / np.sqrt(variance + epsilon)
