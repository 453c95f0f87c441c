"""Over-turn masking (Mini-o3, Lai et al. 2025): what a limit cut off is left out of the loss, not punished.

A policy that is punished for running out of turns learns to answer early; one that is not can use more turns
at test time than it was trained with. Advantages are computed over all rows, cut off or not, before this.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.losses import aggregation

Policy: TypeAlias = Literal["penalize", "mask", "renormalize"]
POLICIES: tuple[Policy, ...] = get_args(Policy)


def token_weights(
    mode: aggregation.Mode,
    *,
    row: Tensor,
    truncated: Tensor,
    policy: Policy = "renormalize",
    turn: Tensor | None = None,
    denominator: float | None = None,
) -> Tensor:
    """`[M]` Weights of tokens (`aggregation.token_weights`) with rows that were cut off treated by `policy`.

    Args:
        mode: See `aggregation.token_weights`, as `turn` and `denominator`.
        row: `[M]` Number of each token's row or episode.
        truncated: `[R]` Whether each row was ended by a limit instead of by itself.
        policy: `penalize` keeps them; `mask` takes them out of the sum alone (the released code divides by
            all rows); `renormalize` takes them out of the denominator, too (the paper).
        turn: `[M]`.
        denominator: In place of the count.
    """
    if policy not in POLICIES:
        raise ConfigError(
            f"no policy for what was cut off is called {policy!r}{did_you_mean(policy, POLICIES)}; "
            f"use {', '.join(POLICIES)}"
        )
    kept = torch.logical_not(truncated)[row].float()
    if policy == "renormalize":
        return aggregation.token_weights(mode, row=row, turn=turn, mass=kept, denominator=denominator)
    weights = aggregation.token_weights(mode, row=row, turn=turn, denominator=denominator)
    return weights * kept if policy == "mask" else weights
