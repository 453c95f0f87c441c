"""MARS: self-play with statistics of each seat."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.chains import to_go
from turnwise.learn.credit.group import centre, joined
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.tokens import whiten_turns


@method("mars", needs=("several_roles",))
def mars(
    turns: Turns,
    *,
    game: Ints | None = None,
    pooled: bool = False,
    variant: Literal["paper", "published"] = "paper",
    padding: bool = True,
    whiten: bool = False,
) -> Floats:
    """MARS: reward to go of a turn − mean of those of the same seat, `[K]`.

    thu-nics/MARS. Its code (`published`) takes other steps: rewards less their mean over the seat's turns,
    then summed to go, then less the mean of the *distinct values* of the seat, among which a padded tensor
    has a 0.

    Args:
        turns: Rewards by turn; what an opponent's move gave stands with one's own last turn before it.
        game: `[E]` Number of the game played; games share no mean.
        pooled: Whether all seats share their means, which the paper compares with: what a seat has of its
            own, like beginning, then looks like skill.
        variant: The paper's formula, or the steps of its code.
        padding: Whether, as published, that 0 is among the distinct values.
        whiten: Whether the result is whitened over all tokens.
    """
    role = np.zeros_like(turns.role) if pooled else turns.role
    seat = role if game is None else joined(game[turns.episode], role)
    if variant == "paper":
        result = centre(to_go(turns), seat, counted=turns.counted)
    else:
        result = to_go(turns, 1.0, centre(turns.reward, seat, counted=turns.counted))
        for one in np.unique(role):
            mine = role == one
            # Single precision, as the tensor had: values that differ by rounding are one value.
            values = np.unique(result[mine].round(6).astype(np.float32))
            values = np.union1d(values, np.zeros(1, np.float32)) if padding else values
            result[mine] -= values.mean(dtype=np.float64)
    return whiten_turns(result, turns) if whiten else result
