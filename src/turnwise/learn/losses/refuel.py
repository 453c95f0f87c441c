"""REFUEL: the difference of two futures' rewards, regressed on log-ratios of the turns they began with (Gao
et al., "Regressing the relative future: efficient policy optimization for multi-turn RLHF", 2024).

    loss = mean ((Δ log-ratio) - η·(R - R'))²

Two branches share a prefix that the policy itself played; each continues from its own turn h to the end. Only
the tokens of turn h enter. The reference is the policy that sampled: there is no other anchor.
"""

from __future__ import annotations

from torch import Tensor


def refuel(
    chosen: Tensor,
    *,
    rejected: Tensor,
    chosen_old: Tensor,
    rejected_old: Tensor,
    chosen_reward: Tensor,
    rejected_reward: Tensor,
    eta: float = 1.0,
) -> Tensor:
    """The squared error, mean over pairs; swapping branches changes nothing.

    Args:
        chosen: `[N]` Log-probability of one branch's turn h: the sum over its tokens (`segments.total`).
        rejected: `[N]` The other branch's.
        chosen_old: `[N]` The same under the policy that sampled.
        rejected_old: `[N]` Likewise.
        chosen_reward: `[N]` Reward of the dialogue that came of the branch.
        rejected_reward: `[N]` Likewise.
        eta: η, how many nats a unit of reward is worth.
    """
    apart = (chosen - chosen_old) - (rejected - rejected_old)
    return (apart - eta * (chosen_reward - rejected_reward)).square().mean()
