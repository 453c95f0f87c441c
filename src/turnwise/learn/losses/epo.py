"""EPO: an entropy bonus over trajectories, with a corridor around the entropy that training has had so far
(Xu et al., "EPO: entropy-regularized policy optimization for LLM agents reinforcement learning", 2025).

    L = -λ·(L_H - β_k·L_smooth)          to be added to a policy loss
    L_H      = mean over trajectories of the mean over turns of the mean over tokens of H
    L_smooth = the same mean of α·P,     0 before there is a history

The paper's penalty P = [low·H̄ - H]₊ + [H - high·H̄]₊ draws entropy back into the corridor. The released code
has 1 wherever H is outside, which shifts the loss that is logged and has no gradient: it is here to repeat
results. H̄ is the mean of *all* earlier steps, not of a window.
"""

from __future__ import annotations

import math

import msgspec
import torch
from torch import Tensor


class History(msgspec.Struct, frozen=True):
    """Mean entropies of the steps so far: plain numbers, saved with a checkpoint."""

    total: float = 0.0
    steps: int = 0

    def add(self, entropy: float) -> History:
        """With the mean entropy of one more step."""
        return History(self.total + entropy, self.steps + 1)

    @property
    def mean(self) -> float | None:
        """H̄; None before the first step."""
        return self.total / self.steps if self.steps else None


def paper(
    entropy: Tensor,
    *,
    weights: Tensor,
    history: float | Tensor | None,
    low: float = 0.0,
    high: float = 2.0,
    coefficient: float = 0.001,
    alpha: float = 1.0,
    beta: float = 1.0,
) -> Tensor:
    """The regulariser of the paper, to be added to a policy loss.

    Args:
        entropy: `[M]` Entropy (natural) of the policy at each sampled token, with a graph.
        weights: `[M]` Those of `seq-mean-turn-mean` are the triple mean.
        history: H̄; one number, or `[M]`; None before there is one.
        low: The corridor begins at `low`·H̄.
        high: It ends at `high`·H̄.
        coefficient: λ.
        alpha: Scale of the penalty.
        beta: β of this step, see `beta_paper`.
    """
    outside = torch.zeros_like(entropy)
    if history is not None:
        outside = (low * history - entropy).clamp(min=0) + (entropy - high * history).clamp(min=0)
    return -coefficient * ((entropy - beta * alpha * outside) * weights).sum()


def code(
    entropy: Tensor,
    *,
    weights: Tensor,
    history: float | Tensor | None,
    low: float = 0.0,
    high: float = 2.0,
    coefficient: float = 0.001,
    alpha: float = 0.1,
    beta: float = 1.0,
) -> Tensor:
    """The regulariser of the released code: arguments as `paper`, whose penalty is `alpha` outside the
    corridor.

    There `history` is `[M]`: the mean entropy of the environment step that each token belongs to.
    """
    outside = torch.zeros_like(entropy)
    if history is not None:
        inside = (entropy > low * history) & (entropy < high * history)
        outside = torch.logical_not(inside).to(entropy.dtype)
    return -coefficient * ((entropy - beta * alpha * outside) * weights).sum()


def beta_paper(step: int, *, steps: int, gamma: float = 1.0) -> float:
    """β_k = 1 + exp(-γ·k / ⌊K/2⌋): from 2 down to 1 + e^-2γ."""
    return 1 + math.exp(-gamma * step / max(steps // 2, 1))


def beta_code(step: int, *, steps: int) -> float:
    """The code's: 1 - 0.2·(1 - e^-2p) in the first half, then 0.8·e^-3p; p runs from 0 to 1 in each half."""
    half = steps // 2
    if step <= half:
        return 1 - 0.2 * (1 - math.exp(-2 * step / max(half, 1)))
    return 0.8 * math.exp(-3 * (step - half) / (steps - half))
