"""The optimal token baseline: at each position, the group's returns weighed by their gradients' energy."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.learn.batch import Ints, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.group import chain_labels
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.threads import kernels
from turnwise.learn.credit.tokens import Reals, returns, sized, starts


@method("optimal_token_baseline", per="token", takes=("logprobs", "squares"))
def optimal_token_baseline(
    turns: Turns,
    *,
    logprobs: Reals,
    squares: Reals,
    ratio: Reals | None = None,
    tail: Literal["zero", "own"] = "zero",
    epsilon: float = 1e-8,
) -> Reals:
    """Optimal token baseline: G_t − Σ_i G_it·W_it / Σ_i W_it over the group at token position t, `[M]`.

    Positions count sampled tokens. W_it = Σ_{j≤t} (1 − 2π_ij + Σ_v π²) is what a score's square amounts to
    up to there. As verl's `tir_optimal_token_baseline`, whose positions also skip observations; its sibling
    without `tir` counts them. A lone episode has no baseline.

    Args:
        turns: Rewards come with each turn's last token.
        logprobs: `[M]` log π of each sampled token.
        squares: `[M]` Σ_v π(v)² of the distribution it was sampled from.
        ratio: `[M]` Truncated importance ratios; energies are multiplied by their squares.
        tail: Where only one episode of the group is left, the baseline is nothing (`zero`, as published) or
            its own return, which credits those tokens with nothing (`own`).
        epsilon: Added to Σ W.
    """
    energy = 1 - 2 * np.exp(sized("logprobs", logprobs, turns)) + sized("squares", squares, turns)
    if ratio is not None:
        energy = energy * sized("ratio", ratio, turns) ** 2
    chain, count, roles = chains(turns)
    start, work = starts(turns), kernels()
    out = returns(turns)
    cumulated = np.empty(len(out))
    work.energies(start, chain, energy, np.zeros(count), cumulated)
    slot, limit, size = _positions(turns, chain, count, roles, tail)
    weighted, weight = np.zeros(size), np.zeros(size)
    work.position_sums(start, chain, slot, cumulated, out, np.zeros(count, np.int64), weighted, weight)
    baseline = weighted / (weight + epsilon)
    work.less_position(start, chain, slot, limit, baseline, np.zeros(count, np.int64), out)
    return out


def _positions(turns: Turns, chain: Ints, count: int, roles: int, tail: str) -> tuple[Ints, Ints, int]:
    """Where each chain's group begins, how many of its positions have a baseline, and positions in all."""
    length = np.bincount(chain, turns.tokens, minlength=count).astype(np.int64)
    label = chain_labels(turns, "group", roles)
    groups = int(label.max()) + 1 if len(label) else 0
    longest = np.zeros(groups, np.int64)
    np.maximum.at(longest, label, length)
    champion = np.full(groups, -1)
    champion[label[length == longest[label]]] = np.flatnonzero(length == longest[label])
    rest = np.ones(count, np.bool_)
    rest[champion[champion >= 0]] = False
    second = np.zeros(groups, np.int64)
    np.maximum.at(second, label[rest], length[rest])
    alone = np.bincount(label, length > 0, minlength=groups) < 2
    shared = np.where(alone, 0, longest if tail == "own" else second)
    slot = np.concatenate([[0], np.cumsum(longest)])
    return slot[label], shared[label], int(slot[-1])
