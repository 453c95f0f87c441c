"""ArCHer: a critic of utterances, learned off-policy, and an actor of tokens (Zhou et al., "ArCHer: training
language model agents via hierarchical multi-turn RL", 2024).

Above, an utterance is one action: two Q and two V are learned from single turns of a replay buffer, against a
slowly following copy. Below, the tokens of an utterance share its advantage, min(Q) - min(V).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


def targets(reward: Tensor, *, next_value: Tensor, done: Tensor, discount: float = 0.95) -> Tensor:
    """`[..., N]` What Q should be: r + γ·(1 - done)·V̄(s').

    Args:
        reward: `[N]` Reward of each turn.
        next_value: `[..., N]` Values of the next state by the target critic, each head by its own.
        done: `[N]` Whether the episode ended with the turn.
        discount: γ, once a turn.
    """
    return (reward + discount * torch.logical_not(done) * next_value).detach()


def critic(
    action_values: Tensor,
    *,
    state_values: Tensor,
    action_targets: Tensor,
    state_targets: Tensor,
) -> Tensor:
    """Mean squared errors of both heads of Q and of V, added up.

    Args:
        action_values: `[2, N]` Q of each head at the turns of the buffer.
        state_values: `[2, N]` V of each head at their states.
        action_targets: `[2, N]` See `targets`.
        state_targets: `[2, N]` Q of the target critic for utterances that the actor of now samples there.
    """
    of_actions = (action_values - action_targets.detach()).square().mean(-1).sum()
    return of_actions + (state_values - state_targets.detach()).square().mean(-1).sum()


def advantage(action_values: Tensor, *, state_values: Tensor) -> Tensor:
    """`[N]` min(Q1, Q2) - min(V1, V2), without a gradient; both `[2, N]`."""
    return (action_values.amin(0) - state_values.amin(0)).detach()


def actor(logprobs: Tensor, *, advantages: Tensor, weights: Tensor, baseline: Tensor | None = None) -> Tensor:
    """The policy gradient of an utterance: -A·Σ_t log π_t; no ratio, no clip.

    Args:
        logprobs: `[M]` Log-probabilities of freshly sampled utterances' tokens.
        advantages: `[M]` Advantage of each token's utterance.
        weights: `[M]` `seq-mean-token-sum` over utterances, in the paper.
        baseline: `[M]` A value of each token's prefix, taken off the advantage (without a gradient).
    """
    credit = advantages if baseline is None else advantages - baseline.detach()
    return -(credit * weights * logprobs).sum()


def token_baseline(values: Tensor, *, advantages: Tensor, weights: Tensor) -> Tensor:
    """Squared error of the baseline of tokens: it learns the advantage of the utterance; all `[M]`."""
    return ((advantages.detach() - values).square() * weights).sum()


def follow(target: Iterable[Tensor], source: Iterable[Tensor], *, rate: float = 0.1) -> None:
    """Let a target critic's parameters follow, in place: target ← (1 - rate)·target + rate·source."""
    with torch.no_grad():
        for behind, ahead in zip(target, source, strict=True):
            behind.lerp_(ahead, rate)
