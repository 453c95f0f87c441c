"""Generalised advantage estimation over sampled tokens only."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.learn.batch import Bools, Ints, Turns
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.threads import kernels, spread
from turnwise.learn.credit.tokens import Reals, Segment, segments, sized, starts, turn_starts


@method("gae", per="token", takes=("values",))
def gae(
    turns: Turns,
    *,
    values: Reals,
    gamma: float = 1.0,
    lam: float = 1.0,
    token_reward: Reals | None = None,
    segment: Segment = "episode",
    row: Ints | None = None,
) -> Reals:
    """Masked GAE: δ_t = r_t + γ·V_{t+1} − V_t, A_t = δ_t + γλ·A_{t+1}, t + 1 being the next *sampled* token.

    `[M]`, in the precision of `values`; the returns a critic is fitted to are this plus `values`, and
    `tokens.whiten` is what most trainers do next. Observations cost neither discount nor value. A trace runs
    through all turns of a role in an episode, also where a summary broke them into rows.

    Schulman et al. (arXiv 1506.02438); equals verl's masked `compute_gae_advantage_return` before whitening.

    Args:
        turns: Their rewards come with each turn's last token.
        values: `[M]` V at each sampled token, turn after turn (`tokens.order`).
        gamma: Discount per sampled token.
        lam: λ.
        token_reward: `[M]` Given to single tokens besides.
        segment: `row` or `turn` let no trace pass from one to the next.
        row: `[K]` Row of each turn, for `segment="row"`.
    """
    value = sized("values", values, turns)
    extra = sized("token_reward", token_reward, turns) if token_reward is not None else np.empty(0)
    chain, count = segments(turns, segment, row)
    reward = np.ascontiguousarray(turns.reward, np.float64)
    out = np.empty_like(value)
    state = (np.zeros(count), np.zeros(count), np.zeros(count))
    layout = (turn_starts(turns), starts(turns), chain, reward, extra)
    spread(kernels().gae, len(turns.group), len(out), *layout, value, float(gamma), float(lam), *state, out)
    return out


def masked_gae(
    reward: Reals,
    value: Reals,
    sampled: Bools,
    row_start: Ints,
    *,
    gamma: float = 1.0,
    lam: float = 1.0,
    variant: Literal["corrected", "published"] = "corrected",
) -> Reals:
    """The same on flat arrays `[T]` of all tokens, 0 where not sampled; each row by itself.

    Args:
        reward: `[T]` Reward of each token.
        value: `[T]` V of each token; what stands where nothing was sampled is never read.
        sampled: `[T]` What is learned from.
        row_start: `[R + 1]` Where rows begin.
        gamma: Discount per sampled token.
        lam: λ.
        variant: A reward that stands on an observation goes to the sampled token before it; as published
            (verl) it is lost.
    """
    out = np.empty_like(value)
    keep = variant == "corrected"
    rows = len(row_start) - 1
    arguments = (row_start, sampled, reward, value, float(gamma), float(lam), keep, out)
    spread(kernels().masked_gae, rows, len(out), *arguments)
    return out
