"""Turn-level GRPO: a turn against the turns of the same index in the other episodes of its group."""

from __future__ import annotations

from typing import Literal

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import to_go
from turnwise.learn.credit.group import Deviation, relative
from turnwise.learn.credit.registry import method


@method("turn_grpo")
def turn_grpo(
    turns: Turns,
    *,
    signal: Literal["to_go", "reward"] = "to_go",
    gamma: float = 1.0,
    deviation: Deviation = "unbiased",
    epsilon: float = 1e-6,
    accumulate: bool = False,
) -> Floats:
    """Turn-level GRPO: (x − mean) / (deviation + ε) over those who reached this turn index, `[K]`.

    Where the policy chooses when to stop, mind what it does. With `signal="reward"` and `accumulate` (centred
    rewards summed to go, as often proposed) the gradient can have the *wrong sign*: whoever goes on is
    compared at each turn with survivors only. With rewards to go it is only shrunk, by the turn's own share
    in the mean. `turn_baseline` is the form without bias.

    Args:
        turns: The turns.
        signal: What is compared.
        gamma: Discount per turn.
        deviation: Kind of deviation.
        epsilon: Added to it.
        accumulate: Whether the result is summed to go along each chain.
    """
    result = relative(turns, signal=signal, scope="turn", deviation=deviation, epsilon=epsilon, gamma=gamma)
    return to_go(turns, gamma, result) if accumulate else result
