"""How far the policy that sampled is from the one that is trained: what to watch before anything diverges."""

from __future__ import annotations

import torch
from torch import Tensor

from turnwise.learn.losses import segments
from turnwise.learn.losses.tis import SAFE


def statistics(trainer: Tensor, *, sampler: Tensor, row: Tensor) -> dict[str, float]:
    """Divergences and effective sample sizes of sampled tokens.

    Args:
        trainer: `[M]` Log-probabilities of the sampled tokens as the trainer computes them.
        sampler: `[M]` Log-probabilities recorded when they were sampled.
        row: `[M]` Number of each token's row, from 0 and without gaps.

    Returns:
        `kl` (k1) and `kl_k3` of the sampler from the trainer, a token; `chi2` (of tokens) and `chi2_row`
        (of rows), E[ρ²] - 1; `perplexity_ratio`, the trainer's over the sampler's, mean over rows;
        `largest`, the largest ratio of a token; `ess` and `ess_row`, the effective sample size
        (Σw)² / (n·Σw²) of the importance weights of tokens and of rows, 1 where nothing moved.
    """
    with torch.no_grad():
        moved = (trainer - sampler).double()
        rows = segments.size(row)
        logarithm = segments.total(moved, row, rows)
        token, whole = moved.clamp(-SAFE, SAFE).exp(), logarithm.clamp(-SAFE, SAFE).exp()
        found = {
            "kl": -moved.mean(),
            "kl_k3": (token - 1 - moved.clamp(-SAFE, SAFE)).mean(),
            "chi2": token.square().mean() - 1,
            "chi2_row": whole.square().mean() - 1,
            "perplexity_ratio": (-segments.mean(moved, row, rows)).exp().mean(),
            "largest": token.max(),
            "ess": effective(token),
            "ess_row": effective(whole),
        }
        return dict(zip(found, segments.numbers(list(found.values())), strict=True))


def effective(weights: Tensor) -> Tensor:
    """Scalar in (0, 1]: the share of samples that weighted ones are worth (Kish), (Σw)² / (n·Σw²)."""
    return weights.sum().square() / (len(weights) * weights.square().sum())
