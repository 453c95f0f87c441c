"""RISE: imitation of improved attempts, weighted by exp(reward / τ) (Qu et al., "Recursive introspection:
teaching language model agents how to self-improve", 2024).

    loss = mean over samples of exp(r / τ) · mean over tokens of -log π

A sample is a history and the last reply to it; earlier replies are conditioned on and have no loss. A row
with several improved turns is several samples.
"""

from __future__ import annotations

from torch import Tensor

from turnwise.learn.losses import aggregation


def rise(logprobs: Tensor, *, turn: Tensor, reward: Tensor, temperature: float = 0.4) -> Tensor:
    """The weighted regression.

    Args:
        logprobs: `[M]` Log-probabilities of the tokens of the turns to be learned.
        turn: `[M]` Number of each token's turn.
        reward: `[K]` Reward of each turn.
        temperature: τ: the lower, the less a worse attempt counts.
    """
    weights = aggregation.token_weights("turn-mean", row=turn, turn=turn).to(logprobs.dtype)
    return -(logprobs * weights * (reward / temperature).exp()[turn]).sum()
