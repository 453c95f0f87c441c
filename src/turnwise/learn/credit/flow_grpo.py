"""Flow-GRPO: the outcome of an agentic system for every turn of its planner."""

from __future__ import annotations

from typing import Literal

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import Deviation, relative
from turnwise.learn.credit.registry import method


@method("flow_grpo")
def flow_grpo(
    turns: Turns,
    *,
    variant: Literal["paper", "published"] = "paper",
    deviation: Deviation = "unbiased",
    epsilon: float = 1e-6,
) -> Floats:
    """Flow-GRPO: the group's z-score of the outcome, the same for each turn of the planner, `[K]`.

    AgentFlow (Li et al., arXiv 2510.05592). The paper compares episodes; its code takes each turn for a
    sample (`published`), so that episodes of many turns weigh more in mean and deviation. The loss is
    averaged over tokens of a turn, turns of an episode, episodes (`weights(turns, "turn-mean")`).

    Args:
        turns: The planner's turns.
        variant: What mean and deviation are taken over.
        deviation: Kind of deviation.
        epsilon: Added to it.
    """
    votes = "one" if variant == "paper" else "turn"
    return relative(turns, votes=votes, deviation=deviation, epsilon=epsilon)
