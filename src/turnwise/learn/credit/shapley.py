"""Shapley values of turns or agents: their mean marginal contribution over all orders of joining.

    phi_i = sum_{S without i} |S|! (n - |S| - 1)! / n!  (v(S + i) - v(S))

v(S) is what the members of S bring about together: the score where the turns in S are said as they were and
all others are sampled anew (`coalition_worth`, by fork), or where the agents in S play and all others are
replaced. The values sum to v(all) - v(none); who never changes v has 0. Sources: Shapley 1953; SCAR, SHARP
and the QLLM family (as the credit assignment survey tells).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from math import factorial
from typing import TypeAlias

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats
from turnwise.learn.credit.rollouts import Forks, mean_score, together

NEEDS = ("forkable",)
"""What an environment must declare for `shapley_turns`."""
MOST_PLAYERS = 20
"""Players up to which all coalitions are weighed."""

Coalition: TypeAlias = frozenset[int]


def shapley_values(worth: Floats) -> Floats:
    """`[n]` Exact Shapley values.

    Args:
        worth: `[2^n]` What each coalition is worth; bit i of its place says whether player i is in it.

    Raises:
        ConfigError: the length is no power of 2, or there are more than `MOST_PLAYERS` players.
    """
    count = len(worth).bit_length() - 1
    if len(worth) != 1 << count or count > MOST_PLAYERS:
        raise ConfigError(
            f"Shapley: expected the worth of all 2^n coalitions of n <= {MOST_PLAYERS} players, got "
            f"{len(worth)} numbers; sample orders of joining for more (`shapley_sampled`)"
        )
    coalitions = np.arange(len(worth))
    size = np.array([place.bit_count() for place in range(len(worth))])
    share = np.array([factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)])
    values = np.empty(count)
    for player in range(count):
        without = coalitions[(coalitions >> player) & 1 == 0]
        values[player] = share[size[without]] @ (worth[without | 1 << player] - worth[without])
    return values


def joining_orders(players: int, count: int, seed: int) -> list[tuple[int, ...]]:
    """`count` orders of joining; each second one is the one before it reversed: less variance."""
    rng = random.Random(seed)
    orders: list[tuple[int, ...]] = []
    while len(orders) < count:
        order = rng.sample(range(players), players)
        orders += [tuple(order), tuple(reversed(order))]
    return orders[:count]


def shapley_sampled(
    worth: Callable[[Coalition], float], players: int, *, orders: int, seed: int = 0
) -> Floats:
    """`[n]` Shapley values from sampled orders of joining: unbiased, and summing exactly to v(all) - v(none).

    Args:
        worth: What a coalition is worth; asked once for each that occurs.
        players: n.
        orders: How many orders; each asks for at most n - 1 coalitions.
        seed: Of the orders.

    Raises:
        ConfigError: no order is asked for.
    """
    if orders < 1:
        raise ConfigError(f"Shapley: expected at least 1 order of joining, got {orders}")
    known = cache(worth)
    return marginal_means(known, joining_orders(players, orders, seed))


def marginal_means(worth: Callable[[Coalition], float], orders: list[tuple[int, ...]]) -> Floats:
    """`[n]` Mean of what each player adds, over given orders of joining."""
    total = np.zeros(len(orders[0]))
    for order in orders:
        members: Coalition = frozenset()
        before = worth(members)
        for player in order:
            members |= {player}
            after = worth(members)
            total[player] += after - before
            before = after
    return total / len(orders)


async def shapley_turns(forks: Forks, *, orders: int | None = None, count: int = 1, seed: int = 0) -> Floats:
    """`[n]` Shapley values of the turns a role took in a real episode, by forking it.

    Args:
        forks: The episode, and who says anew what is not kept.
        orders: Sampled orders of joining; None weighs all coalitions.
        count: Rollouts for each coalition but the full one, whose worth is the episode's own score.
        seed: Of the orders and the rollouts.

    Raises:
        ConfigError: the environment cannot be forked, or there are too many turns to weigh all coalitions.
    """
    forks.require("Shapley", *NEEDS)
    players = len(forks.turns)
    if orders is None:
        if players > MOST_PLAYERS:
            raise ConfigError(f"Shapley: {players} turns; expected at most {MOST_PLAYERS}, or `orders`")
        every = [frozenset(p for p in range(players) if place >> p & 1) for place in range(1 << players)]
        known = await _weighed(every, forks, count, seed)
        return shapley_values(np.array([known[members] for members in every]))
    sequence = joining_orders(players, orders, seed)
    met = {frozenset(order[:size]) for order in sequence for size in range(players + 1)}
    known = await _weighed(sorted(met, key=sorted), forks, count, seed)
    return marginal_means(known.__getitem__, sequence)


async def _weighed(
    coalitions: list[Coalition], forks: Forks, count: int, seed: int
) -> dict[Coalition, float]:
    """What each coalition is worth; the full one's rollouts are the episode itself."""
    ways = (
        forks.keeping(members, count=count, seed=(seed, number)) for number, members in enumerate(coalitions)
    )
    scores = await together(ways)
    return {members: mean_score(found) for members, found in zip(coalitions, scores, strict=True)}
