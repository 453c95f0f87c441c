"""MC-Returns: a Q of tokens, regressed on the returns that followed (LMRL-Gym, Abdulhai et al. 2023).

    loss_t = ½ (Q_t - G_t)² + α·CE_t

CE keeps the policy that Q steers near the data: cross-entropy of the Q head's logits with the token taken.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mc_returns(
    q: Tensor, *, returns: Tensor, cross_entropy: Tensor, weights: Tensor, alpha: float = 0.01
) -> Tensor:
    """The regression on returns.

    Args:
        q: `[M]` Q of the token that was taken.
        returns: `[M]` Return from each token on, see `discounted`.
        cross_entropy: `[M]` Minus the log-softmax of all tokens' Q at the one taken.
        weights: `[M]` See `aggregation.token_weights`; `token-mean` in the paper.
        alpha: Weight of the cross-entropy.
    """
    return ((0.5 * (q - returns).square() + alpha * cross_entropy) * weights).sum()


def discounted(rewards: Tensor, *, row: Tensor, discount: float = 0.99) -> Tensor:
    """`[M]` Return from each action token on: G_t = r_t + γ·G_next, over action tokens only.

    Takes as many passes as the longest row has binary digits, each adding what lies twice as far ahead.

    Args:
        rewards: `[M]` Reward of each token; a turn's stands with its last.
        row: `[M]` Number of each token's row, the rows one behind the other. Rows of one episode that was cut
            into several contexts carry one number.
        discount: γ, once a token.
    """
    returns, ahead = rewards.clone(), 1
    while ahead < len(returns):
        same = row[:-ahead] == row[ahead:]
        if not bool(same.any()):
            break
        returns[:-ahead] += torch.where(same, discount**ahead * returns[ahead:].clone(), 0.0)
        ahead *= 2
    return returns
