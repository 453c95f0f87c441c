"""GPG: the plain policy gradient, -A·log π (Chu et al., "GPG: a simple and strong reinforcement learning
baseline for model reasoning", 2025); REINFORCE, with whatever advantage."""

from __future__ import annotations

from torch import Tensor


def gpg(logprobs: Tensor, *, advantages: Tensor, weights: Tensor) -> Tensor:
    """Policy gradient without ratio or clip: right only for tokens that this very policy sampled.

    Args:
        logprobs: `[M]` Log-probabilities of the sampled tokens.
        advantages: `[M]` Advantage of each token.
        weights: `[M]` See `aggregation.token_weights`.
    """
    return -(advantages * weights * logprobs).sum()
