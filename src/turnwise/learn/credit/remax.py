"""ReMax: rewards to go against what the greedy policy got on the same task."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import to_go
from turnwise.learn.credit.registry import method


@method("remax", takes=("greedy",))
def remax(turns: Turns, *, greedy: Floats) -> Floats:
    """ReMax: reward to go − reward of one greedy episode of the same task, `[K]`.

    Li et al. (arXiv 2310.10505), as in verl.

    Args:
        turns: The turns.
        greedy: `[E]` What a greedy episode of each episode's task got.
    """
    return to_go(turns) - greedy[turns.episode]
