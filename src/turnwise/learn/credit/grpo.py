"""GRPO: outcomes against those of the same group, on the group's scale."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.group import Alone, Deviation, Votes, relative
from turnwise.learn.credit.registry import method


@method("grpo")
def grpo(
    turns: Turns,
    *,
    deviation: Deviation = "unbiased",
    epsilon: float = 1e-6,
    votes: Votes = "one",
    alone: Alone = "zero",
    row: Ints | None = None,
) -> Floats:
    """GRPO: (R − mean) / (deviation + ε) within the group, the same for every turn of an episode, `[K]`.

    DeepSeekMath (arXiv 2402.03300); the defaults are verl's. TRL and verifiers: ε 1e-4. OpenRLHF: 1e-9. An
    episode has one vote however many rows or turns it became, and roles are compared with themselves.

    Args:
        turns: The turns.
        deviation: Kind of deviation.
        epsilon: Added to it.
        votes: `row` or `turn` give the statistics of trainers that take each row for an episode.
        alone: A lone episode is credited with nothing; verl credits it with its score (`raw`).
        row: `[K]` Row of each turn, where rows vote.
    """
    return relative(turns, deviation=deviation, epsilon=epsilon, votes=votes, alone=alone, row=row)
