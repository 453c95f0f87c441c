"""ILQL: implicit Q-learning of tokens, offline (Snell et al., "Offline RL for natural language generation
with implicit language Q learning", 2023; as LMRL-Gym, Abdulhai et al. 2023, has it).

    loss_t = ½ Σ_i (Q_i - y)² + ½·|τ - 1[Q̄ < V]|·(V - Q̄)² + α·Σ_i CE_i
    y = r + γ·V(s'),   Q̄ = min of the two target Qs,   s' the state of the next *action* token

Observations are stepped over: what a turn's last token leads to is the first token of the next turn.
"""

from __future__ import annotations

import torch
from torch import Tensor


def ilql(
    q: Tensor,
    *,
    v: Tensor,
    q_target: Tensor,
    rewards: Tensor,
    cross_entropy: Tensor,
    row: Tensor,
    weights: Tensor,
    last: Tensor | None = None,
    discount: float = 0.99,
    tau: float = 0.7,
    alpha: float = 0.01,
) -> Tensor:
    """The loss of two Q heads and a V head.

    Args:
        q: `[2, M]` Q of the token taken, by each head.
        v: `[M]` V of the state before each token.
        q_target: `[2, M]` Q of the token taken, by each target head.
        rewards: `[M]` Reward of each token; a turn's stands with its last.
        cross_entropy: `[2, M]` Minus the log-softmax of all tokens' Q at the one taken, by each head.
        row: `[M]` Number of each token's row, the rows one behind the other.
        weights: `[M]` See `aggregation.token_weights`; `token-mean` in the paper.
        last: `[R]` V of the state behind each row's last token; 0 where the episode is over (None:
            everywhere).
        discount: γ, once an action token.
        tau: Expectile of V: above one half it leans to the better of the actions seen.
        alpha: Weight of the cross-entropy that keeps Q near the data.
    """
    following = next_values(v.detach(), row=row, last=last)
    target = rewards + discount * following
    lowest = q_target.detach().amin(0)
    lean = torch.where(lowest < v.detach(), 1 - tau, tau)
    losses = 0.5 * (q - target).square().sum(0) + 0.5 * lean * (v - lowest).square()
    return ((losses + alpha * cross_entropy.sum(0)) * weights).sum()


def next_values(v: Tensor, *, row: Tensor, last: Tensor | None = None) -> Tensor:
    """`[M]` V of the next action token of the same row; `last` of the row (0 without) behind its last."""
    end = v.new_zeros(len(v)) if last is None else last[row].to(v.dtype)
    inside = row[:-1] == row[1:]
    end[:-1] = torch.where(inside, v[1:], end[:-1])
    return end


def steered(logits: Tensor, *, q: Tensor, beta: float = 16.0) -> Tensor:
    """`[..., V]` Logits to act by: those of a clone of the data, tilted by β·min(Q1, Q2); `q` is `[2, ...,
    V]`."""
    return logits + beta * q.amin(0)
