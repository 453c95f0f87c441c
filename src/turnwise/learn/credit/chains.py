"""Chains: what one role did in one episode, and sums along them."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Bools, Floats, Ints, Turns
from turnwise.learn.credit.threads import kernels


def chains(turns: Turns) -> tuple[Ints, int, int]:
    """The chain of each turn `[K]`, how many chains there are (C), and how many roles.

    Chain numbers are episode · roles + role; one without turns has a number too.
    """
    roles = int(turns.role.max()) + 1 if len(turns.role) else 1
    chain = turns.episode if roles == 1 else turns.episode * roles + turns.role
    return chain, len(turns.group) * roles, roles


def outcomes(turns: Turns) -> Floats:
    """`[C]` All that each chain was given."""
    chain, count, _ = chains(turns)
    return totals(turns.reward, chain, count)


def totals(values: Floats | Ints, chain: Ints, count: int) -> Floats:
    """`[C]` Sums of `values` `[K]` over chains."""
    return np.bincount(chain, values, minlength=count).astype(np.float64, copy=False)


def to_go(turns: Turns, gamma: float = 1.0, reward: Floats | None = None) -> Floats:
    """`[K]` Reward to go, G_k = r_k + γ·G_{k+1} along the chain.

    Args:
        turns: The turns.
        gamma: Discount per turn.
        reward: `[K]` Summed in place of the turns' own rewards.
    """
    chain, count, _ = chains(turns)
    given = np.ascontiguousarray(turns.reward if reward is None else reward, np.float64)
    out = np.empty(len(given))
    kernels().turn_returns(given, np.ascontiguousarray(chain, np.int64), float(gamma), np.zeros(count), out)
    return out


def there(turns: Turns, chain: Ints, count: int) -> Bools | None:
    """`[C]` Chains that count: they have a turn that does. None where all do."""
    present = None if turns.counted is None else turns.counted.astype(np.float64)
    seen = np.bincount(chain, present, minlength=count) > 0
    return None if seen.all() else seen


def last(turns: Turns) -> Ints:
    """`[C']` Numbers of the turns that end a chain, in the order of the chains that have any."""
    chain, count, _ = chains(turns)
    ends = np.full(count, -1, np.int64)
    ends[chain] = np.arange(len(chain))
    return ends[ends >= 0]
