"""Recurrences along turns and sampled tokens, compiled (numba). Imported through `threads.kernels`.

Tokens are packed: those of turn k are `token_start[k] … token_start[k + 1]`, nothing between them. Chains may
interleave (two roles, a sub-agent): each keeps its own running numbers, indexed by the chain of the turn.
Kernels with `low, high` work on the episodes in that range and write nothing of any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba  # pyright: ignore[reportMissingTypeStubs]
import numpy.typing as npt

from turnwise.learn.batch import Bools, Floats, Ints

P = ParamSpec("P")
R = TypeVar("R")
Reals = npt.NDArray[Any]
"""float32 or float64, as the critic gave them; sums are always float64."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile; multiply and add may be fused, nothing else is reordered."""
    make = cast(Any, numba).njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
    return cast(Callable[P, R], make(function))


def summing(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a sum: additions may be reordered, in the same way every time."""
    make = cast(Any, numba).njit(
        cache=True, nogil=True, fastmath={"contract", "reassoc"}, error_model="numpy"
    )
    return cast(Callable[P, R], make(function))


@compiled
def turn_returns(reward: Floats, chain: Ints, gamma: float, running: Floats, out: Floats) -> None:
    """G_k = r_k + γ·G_{k+1} along each chain."""
    for k in range(len(reward) - 1, -1, -1):
        running[chain[k]] = reward[k] + gamma * running[chain[k]]
        out[k] = running[chain[k]]


@compiled
def averages(value: Floats, key: Ints, decay: float, average: Floats, before: Floats) -> None:
    """Exponential moving average of each key, in place; `before` is what it was when each value came."""
    for i in range(len(value)):
        before[i] = average[key[i]]
        average[key[i]] = decay * average[key[i]] + (1 - decay) * value[i]


@compiled
def gae(
    low: int,
    high: int,
    turn_start: Ints,
    token_start: Ints,
    chain: Ints,
    reward: Floats,
    token_reward: Reals,
    value: Reals,
    gamma: float,
    lam: float,
    next_value: Floats,
    trace: Floats,
    owed: Floats,
    out: Reals,
) -> None:
    """δ_t = r_t + γ·V_{t+1} − V_t, A_t = δ_t + γλ·A_{t+1} along each chain's sampled tokens.

    A turn's reward comes with its last token. One without tokens hands its reward to the turn before it.
    """
    decay = gamma * lam
    dense = len(token_reward) > 0
    for e in range(low, high):
        for k in range(turn_start[e + 1] - 1, turn_start[e] - 1, -1):
            c = chain[k]
            due = owed[c] + reward[k]
            ahead = next_value[c]
            a = trace[c]
            for t in range(token_start[k + 1] - 1, token_start[k] - 1, -1):
                v = value[t]
                r = due + token_reward[t] if dense else due
                a = r + gamma * ahead - v + decay * a
                out[t] = a
                ahead = v
                due = 0.0
            owed[c] = due
            next_value[c] = ahead
            trace[c] = a


@compiled
def token_returns(
    low: int,
    high: int,
    turn_start: Ints,
    token_start: Ints,
    chain: Ints,
    reward: Floats,
    token_reward: Reals,
    gamma: float,
    running: Floats,
    owed: Floats,
    out: Reals,
) -> None:
    """G_t = r_t + γ·G_{t+1} along each chain's sampled tokens; rewards as in `gae`."""
    dense = len(token_reward) > 0
    for e in range(low, high):
        for k in range(turn_start[e + 1] - 1, turn_start[e] - 1, -1):
            c = chain[k]
            due = owed[c] + reward[k]
            g = running[c]
            for t in range(token_start[k + 1] - 1, token_start[k] - 1, -1):
                r = due + token_reward[t] if dense else due
                g = r + gamma * g
                out[t] = g
                due = 0.0
            owed[c] = due
            running[c] = g


@compiled
def bi_level(
    low: int,
    high: int,
    turn_start: Ints,
    token_start: Ints,
    chain: Ints,
    reward: Floats,
    value: Reals,
    gamma: float,
    lam: float,
    turn_gamma: float,
    turn_lam: float,
    next_end: Floats,
    turn_trace: Floats,
    owed: Floats,
    out: Reals,
) -> None:
    """GAE over turn ends, whose result is what each turn's last token is then given in a GAE of its own."""
    decay = gamma * lam
    for e in range(low, high):
        for k in range(turn_start[e + 1] - 1, turn_start[e] - 1, -1):
            c = chain[k]
            due = owed[c] + reward[k]
            first, end = token_start[k], token_start[k + 1] - 1
            if end < first:
                owed[c] = due
                continue
            owed[c] = 0.0
            v_end = float(value[end])
            above = due + turn_gamma * next_end[c] - v_end + turn_gamma * turn_lam * turn_trace[c]
            next_end[c] = v_end
            turn_trace[c] = above
            a = above
            ahead = v_end
            out[end] = a
            for t in range(end - 1, first - 1, -1):
                v = value[t]
                a = gamma * ahead - v + decay * a
                out[t] = a
                ahead = v


@compiled
def masked_gae(
    low: int,
    high: int,
    row_start: Ints,
    sampled: Bools,
    reward: Reals,
    value: Reals,
    gamma: float,
    lam: float,
    keep: bool,
    out: Reals,
) -> None:
    """GAE along the sampled tokens of each row of a flat array; 0 elsewhere.

    `keep`: whether a reward that stands between sampled tokens goes to the one before it, or is lost.
    """
    decay = gamma * lam
    for i in range(low, high):
        due = 0.0
        ahead = 0.0
        a = 0.0
        for t in range(row_start[i + 1] - 1, row_start[i] - 1, -1):
            if sampled[t]:
                v = value[t]
                a = due + reward[t] + gamma * ahead - v + decay * a
                out[t] = a
                ahead = v
                due = 0.0
            else:
                out[t] = 0.0
                if keep:
                    due += reward[t]


@compiled
def energies(token_start: Ints, chain: Ints, energy: Reals, running: Floats, out: Floats) -> None:
    """W_t = Σ_{j≤t} w_j along each chain's sampled tokens."""
    for k in range(len(chain)):
        w = running[chain[k]]
        for t in range(token_start[k], token_start[k + 1]):
            w += energy[t]
            out[t] = w
        running[chain[k]] = w


@compiled
def position_sums(
    token_start: Ints,
    chain: Ints,
    slot: Ints,
    energy: Floats,
    value: Reals,
    place: Ints,
    weighted: Floats,
    weight: Floats,
) -> None:
    """Σ W·G and Σ W at each token position of each group; `slot` is where a chain's group begins."""
    for k in range(len(chain)):
        c = chain[k]
        at = slot[c] + place[c]
        for t in range(token_start[k], token_start[k + 1]):
            weighted[at] += energy[t] * value[t]
            weight[at] += energy[t]
            at += 1
        place[c] = at - slot[c]


@compiled
def less_position(
    token_start: Ints, chain: Ints, slot: Ints, limit: Ints, baseline: Floats, place: Ints, out: Reals
) -> None:
    """Subtract from each token what stands for its position, up to the chain's position `limit`."""
    for k in range(len(chain)):
        c = chain[k]
        p = place[c]
        for t in range(token_start[k], token_start[k + 1]):
            if p < limit[c]:
                out[t] -= baseline[slot[c] + p]
            p += 1
        place[c] = p


@summing
def piece_sums(
    low: int, high: int, piece: int, value: Reals, about: float, first: Floats, second: Floats
) -> None:
    """Σ (x − about) and Σ (x − about)² of pieces of equal size, each in its own place."""
    for i in range(low, high):
        s = 0.0
        q = 0.0
        part = value[i * piece : (i + 1) * piece]
        for t in range(len(part)):
            d = part[t] - about
            s += d
            q += d * d
        first[i] = s
        second[i] = q


@compiled
def rescale(low: int, high: int, piece: int, value: Reals, mean: float, factor: float, out: Reals) -> None:
    """(x − mean) · factor."""
    source = value[low * piece : high * piece]
    target = out[low * piece : high * piece]
    for t in range(len(source)):
        target[t] = (source[t] - mean) * factor
