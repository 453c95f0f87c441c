"""The unbiased turn baseline: rewards to go against those of the others who got as far."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, to_go
from turnwise.learn.credit.group import Alone, chain_labels, labels, relative
from turnwise.learn.credit.registry import method


@method("turn_baseline")
def turn_baseline(
    turns: Turns,
    *,
    gamma: float = 1.0,
    peers: Literal["reached", "all"] = "reached",
    alone: Alone = "raw",
) -> Floats:
    """The unbiased turn baseline: reward to go − mean of the *others* who reached this turn, `[K]`.

    What is subtracted depends on no action of this episode, so the policy gradient keeps its expectation,
    also where the policy chooses how many turns there are; and it falls with the turn as the returns do, so
    it takes away more variance than an episode's mean.

    Args:
        turns: The turns.
        gamma: Discount per turn.
        peers: `all` takes the mean over all others, who have 0 to go after their end; unbiased too.
        alone: A turn that nobody else reached keeps its reward to go. `zero` has less variance and a bias: it
            forgets just those episodes that were longest.
    """
    if peers == "reached":
        return relative(turns, signal="to_go", scope="turn", leave_one_out=True, alone=alone, gamma=gamma)
    value = to_go(turns, gamma)
    own = np.ones(len(value)) if turns.counted is None else turns.counted.astype(np.float64)
    label = labels(turns, "turn")
    others = np.bincount(label, own * value)[label] - own * value
    chain, count, roles = chains(turns)
    group = chain_labels(turns, "group", roles)
    here = np.bincount(chain, own, minlength=count) > 0
    number = np.bincount(group, here)[group[chain]] - here[chain]
    mean = others / np.maximum(number, 1)
    return np.where(number > 0, value - mean, value if alone == "raw" else 0.0)
