"""Rejection: tokens, or whole rows, that the trainer's policy has drifted from are left out altogether.

Unlike a clip, which depends on the advantage, this is a hard trust region: a divergence at each token, or its
sum, mean or maximum over a row, must stay below a threshold (Liu et al., "When speed kills stability:
demystifying RL collapse from the training-inference mismatch", 2025).
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from torch import Tensor

from turnwise.errors import ConfigError
from turnwise.learn.losses import kl, segments
from turnwise.learn.losses.tis import SAFE

Scope: TypeAlias = Literal["token", "sum", "mean", "max"]
Divergence: TypeAlias = Literal["k1", "k2", "k3"]


def keep(
    trainer: Tensor,
    *,
    sampler: Tensor,
    most: float,
    least: float | None = None,
    kind: Divergence = "k3",
    scope: Scope = "mean",
    segment: Tensor | None = None,
) -> Tensor:
    """`[M]` bool: which tokens stay; give it to `aggregation.token_weights` as `mass`.

    Args:
        trainer: `[M]` Log-probabilities of the sampled tokens as the trainer computes them.
        sampler: `[M]` Log-probabilities recorded when they were sampled.
        most: Largest divergence of the sampler's policy from the trainer's.
        least: Smallest; None is -`most`. Of use with k1 alone, log(π_sampler / π_trainer), which has a sign.
        kind: k1, k2 or k3, see `kl.py`; here of tokens that the *sampler* drew.
        scope: Whether each token is judged, or all of a segment by its sum, mean or maximum.
        segment: `[M]` Number of each token's row or turn; needed by all scopes but `token`.

    Raises:
        ConfigError: for an unknown scope or kind, or a missing segment.
    """
    if scope not in get_args(Scope) or kind not in get_args(Divergence):
        raise ConfigError(f"rejection by {scope!r} of {kind!r}: use token, sum, mean or max of k1, k2 or k3")
    moved = (sampler - trainer).detach().clamp(-SAFE, SAFE)
    apart = kl.estimate(moved, moved.new_zeros(()), kind, limit=float("inf"))
    if scope != "token":
        if segment is None:
            raise ConfigError(f"rejection by {scope!r} judges rows or turns: give `segment`")
        over = {"sum": segments.total, "mean": segments.mean, "max": segments.largest}[scope]
        apart = over(apart, segment)[segment]
    return (apart <= most) & (apart >= (-most if least is None else least))
