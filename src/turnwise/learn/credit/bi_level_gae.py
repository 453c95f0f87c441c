"""GAE on two levels: over turns, then over the tokens of each turn."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Ints, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.threads import kernels, spread
from turnwise.learn.credit.tokens import Reals, sized, starts, turn_starts


@method("bi_level_gae", per="token", takes=("values",))
def bi_level_gae(
    turns: Turns,
    *,
    values: Reals,
    gamma: float = 1.0,
    lam: float = 1.0,
    turn_gamma: float = 1.0,
    turn_lam: float | None = None,
    variant: Literal["corrected", "published"] = "corrected",
) -> Reals:
    """Bi-level GAE: first over turn ends, then over the tokens of each turn, `[M]`.

    Above, A_k = r_k + γ_h·V(end_{k+1}) − V(end_k) + γ_h·λ·A_{k+1}. The last token of turn k is given A_k +
    V(end_k) as its reward, and GAE(γ, λ) runs inside the turn; on this lower level no trace and no value
    passes between turns.

    RAGEN / VAGEN (`compute_bi_level_gae_advantage_return`), before whitening. There a turn ends where a
    reward is not zero: a turn that got nothing is merged into the next one, and an episode whose last turn
    got nothing cannot be computed. Here turns end where they end; `variant="published"` shows the difference.

    Args:
        turns: Rewards by turn, for one or several roles.
        values: `[M]` V at each sampled token.
        gamma: Discount per token inside a turn.
        lam: λ on both levels.
        turn_gamma: γ_h, discount per turn.
        turn_lam: λ between turns, where it is another.
        variant: `published` merges turns as said above.

    Raises:
        ConfigError: as published, an episode's last turn got no reward, or there are several roles.
    """
    value = sized("values", values, turns)
    chain, count, roles = chains(turns)
    start, first = starts(turns), turn_starts(turns)
    reward = np.ascontiguousarray(turns.reward, np.float64)
    if variant == "published":
        if roles > 1:
            raise ConfigError("bi-level GAE as published knows one role; use variant='corrected'")
        chain, start, first, reward = _merged(turns, start)
    out = np.empty_like(value)
    upper = lam if turn_lam is None else turn_lam
    numbers = (float(gamma), float(lam), float(turn_gamma), float(upper))
    state = (np.zeros(count), np.zeros(count), np.zeros(count))
    spread(
        kernels().bi_level,
        len(first) - 1,
        len(out),
        first,
        start,
        chain,
        reward,
        value,
        *numbers,
        *state,
        out,
    )
    return out


def _merged(turns: Turns, start: Ints) -> tuple[Ints, Ints, Ints, Reals]:
    """Chain, token starts, turn starts and rewards of the turns that end with a reward."""
    ends = np.flatnonzero(turns.reward != 0)
    last = turn_starts(turns)[1:] - 1
    last = last[np.diff(turn_starts(turns)) > 0]
    if np.any(turns.reward[last] == 0):
        at = turns.episode[last[turns.reward[last] == 0][0]]
        raise ConfigError(
            f"bi-level GAE as published fails where the last turn got no reward (episode {at}); "
            "use variant='corrected'"
        )
    episode = turns.episode[ends]
    first = np.concatenate([[0], np.cumsum(np.bincount(episode, minlength=len(turns.group)))])
    return episode, np.concatenate([[0], start[ends + 1]]), first, turns.reward[ends].astype(np.float64)
