"""MAPO: a turn's return against those at its index, mixed with its reward against all of the group's."""

from __future__ import annotations

from typing import Literal

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import Deviation, relative
from turnwise.learn.credit.registry import method


@method("mapo")
def mapo(
    turns: Turns,
    *,
    turn_share: float = 0.5,
    batch_share: float = 0.5,
    gamma: float = 1.0,
    over: Literal["group", "batch"] = "group",
    deviation: Deviation = "biased",
    epsilon: float = 1e-8,
) -> Floats:
    """MAPO (MICA): α·z(return at this turn index) + β·z(reward among all turns), `[K]`.

    arXiv 2603.06194. A turn that no other episode reached has the second term only.

    Args:
        turns: With a reward for each turn.
        turn_share: α.
        batch_share: β.
        gamma: Discount per turn.
        over: Whose turns the reward is compared with: the group's (version 3), or the whole batch's (version
            1).
        deviation: Kind of deviation.
        epsilon: Added to it.
    """
    by_turn = relative(turns, signal="to_go", scope="turn", deviation=deviation, epsilon=epsilon, gamma=gamma)
    scope = "group" if over == "group" else "role"
    among_all = relative(turns, signal="reward", scope=scope, deviation=deviation, epsilon=epsilon)
    return turn_share * by_turn + batch_share * among_all
