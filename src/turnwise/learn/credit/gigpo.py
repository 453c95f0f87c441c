"""GiGPO: an episode against its group, and a turn against those taken in the same state."""

from __future__ import annotations

from typing import Literal

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import Deviation, Votes, relative
from turnwise.learn.credit.registry import method


@method("gigpo", needs=("state_key",))
def gigpo(
    turns: Turns,
    *,
    gamma: float = 0.95,
    weight: float = 1.0,
    mode: Literal["mean_norm", "mean_std_norm"] = "mean_norm",
    votes: Literal["episode", "turn"] = "episode",
    epsilon: float = 1e-6,
) -> Floats:
    """GiGPO: A = A_E + w·A_S, `[K]`.

    A_E is the outcome against the group's; A_S the turn's discounted return against those of the turns taken
    in the identical state in the same group, 0 for a state that nobody else met. Feng et al. (arXiv
    2505.10978).

    Args:
        turns: With state keys.
        gamma: Discount per turn.
        weight: w.
        mode: Whether differences are divided by the deviation.
        votes: How the group's mean is taken: one vote an episode, or one for each of its turns, which is the
            default of the published code and leans to long episodes.
        epsilon: Added to the deviation.
    """
    deviation: Deviation = "unbiased" if mode == "mean_std_norm" else "none"
    scale: Votes = "one" if votes == "episode" else "turn"
    whole = relative(turns, votes=scale, deviation=deviation, epsilon=epsilon)
    state = relative(turns, signal="to_go", scope="state", deviation=deviation, epsilon=epsilon, gamma=gamma)
    return whole + weight * state
