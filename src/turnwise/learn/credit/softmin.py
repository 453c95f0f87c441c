"""Softmin process reward: the return of an episode behaves as its worst step (PURE).

Source: Cheng et al. 2025, "Stop Summation: Min-Form Credit Assignment Is All Process Reward Model Needs for
Reasoning" (arXiv 2504.15275). With process rewards r_t of one episode and temperature T,

    w_t = exp(-r_t / T) / sum_s exp(-r_s / T),      r*_t = w_t r_t.

The sum of r* tends to min_t r_t as T tends to 0, and to the mean as T grows.
"""

from __future__ import annotations

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check, softmax


def softmin_weights(reward: Floats, episode: Ints, *, temperature: float = 0.1) -> Floats:
    """`[K]` How much each turn counts towards its episode's worst; they sum to 1 in each episode.

    Raises:
        ConfigError: the temperature is not above 0, or the arrays do not fit.
    """
    if not temperature > 0:
        raise ConfigError(f"softmin: expected a temperature above 0, got {temperature}")
    check("softmin", episode, reward=reward)
    return softmax(-reward / temperature, episode)


def softmin_rewards(reward: Floats, episode: Ints, *, temperature: float = 0.1) -> Floats:
    """`[K]` Process rewards, reweighted so that their sum behaves as the least of them.

    An episode in which a turn's reward is missing (NaN) has none: its least is not known.

    Args:
        reward: `[K]` A process reward for each turn.
        episode: `[K]` Number of its episode, not decreasing.
        temperature: The lower, the nearer to the minimum; 0.1 in the paper.

    Raises:
        ConfigError: the temperature is not above 0, or the arrays do not fit.
    """
    return np.asarray(softmin_weights(reward, episode, temperature=temperature) * reward)
