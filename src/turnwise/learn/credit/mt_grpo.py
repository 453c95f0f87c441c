"""MT-GRPO: outcome and first-turn reward, each on its group's scale."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, last, outcomes, there
from turnwise.learn.credit.group import Deviation, centre, chain_labels
from turnwise.learn.credit.registry import method


@method("mt_grpo")
def mt_grpo(
    turns: Turns,
    *,
    coefficient: float = 1.0,
    deviation: Deviation = "unbiased",
    epsilon: float = 1e-4,
    outcome: Floats | None = None,
) -> Floats:
    """MT-GRPO: A_out + c·A_turn for the first turn, A_out for those after it, `[K]`.

    Zeng et al. (arXiv 2505.11821, `mt_grpo_env_trainer.py`). A_out and A_turn are the group's z-scores of the
    outcome and of what was given for the turns before. An episode of one turn (no tool was called) has the
    z-score of both together.

    Args:
        turns: The turns.
        coefficient: c.
        deviation: Kind of deviation.
        epsilon: Added to it.
        outcome: `[C]` Outcome of each chain; None is the reward of its last turn.
    """
    chain, count, roles = chains(turns)
    total, label = outcomes(turns), chain_labels(turns, "group", roles)
    ends = last(turns)
    if outcome is None:
        outcome = np.zeros(count)
        outcome[chain[ends]] = turns.reward[ends]
    seen = there(turns, chain, count)

    def z(value: Floats) -> Floats:
        return centre(value, label, counted=seen, deviation=deviation, epsilon=epsilon)[chain]

    several = (np.bincount(chain, minlength=count) > 1)[chain]
    first = coefficient * np.where(turns.index == 0, z(total - outcome), 0.0)
    return np.where(several, z(outcome) + first, z(total))
