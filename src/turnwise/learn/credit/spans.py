"""Sums, differences and softmaxes within each episode: what credit methods share.

Arrays `[K]` have one entry a turn, `episode` says whose (0 … E-1, not decreasing); arrays `[E]` have one an
episode. NaN stands for what is missing and is never read as 0.
"""

from __future__ import annotations

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Bools, Floats, Ints


def firsts(episode: Ints) -> Bools:
    """`[K]` Whether a turn is its episode's first."""
    first = np.ones(len(episode), dtype=np.bool_)
    first[1:] = episode[1:] != episode[:-1]
    return first


def lasts(episode: Ints) -> Bools:
    """`[K]` Whether a turn is its episode's last."""
    return firsts(episode[::-1])[::-1]


def sums(values: Floats, episode: Ints, episodes: int) -> Floats:
    """`[E]` Sum of `values` `[K]` over each episode; 0 for one without turns."""
    return np.bincount(episode, weights=values, minlength=episodes).astype(np.float64)


def lengths(episode: Ints, episodes: int) -> Ints:
    """`[E]` Turns of each episode."""
    return np.bincount(episode, minlength=episodes)


def gains(values: Floats, episode: Ints, start: Floats) -> Floats:
    """`[K]` By how much each turn changed `values`.

    Args:
        values: `[K]` After each turn.
        episode: `[K]`
        start: `[E]` Before the first.
    """
    before = np.empty(len(values))
    before[1:] = values[:-1]
    first = firsts(episode)
    before[first] = start[episode[first]]
    return values - before


def softmax(values: Floats, episode: Ints) -> Floats:
    """`[K]` Softmax over the turns of each episode; an episode with a missing value has no weights (NaN)."""
    if not len(values):
        return np.zeros(0)
    starts = np.flatnonzero(firsts(episode))
    run = np.cumsum(firsts(episode)) - 1
    # The greatest becomes 0, so that no exponential overflows.
    powers = np.exp(values - np.maximum.reduceat(values, starts)[run])
    return powers / np.add.reduceat(powers, starts)[run]


def check(method: str, episode: Ints, **arrays: Floats) -> None:
    """Refuse arrays that do not describe the same turns.

    Args:
        method: Who asks, for the error.
        episode: `[K]`
        **arrays: By name, each `[K]`.

    Raises:
        ConfigError: a length differs, or `episode` decreases.
    """
    for name, array in arrays.items():
        if array.shape != episode.shape:
            raise ConfigError(
                f"{method}: expected one value of {name!r} for each of {len(episode)} turns, "
                f"got an array of shape {array.shape}"
            )
    if len(episode) and (episode[0] < 0 or (np.diff(episode) < 0).any()):
        raise ConfigError(f"{method}: expected turns sorted by episode, got numbers that decrease")
