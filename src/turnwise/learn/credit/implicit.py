"""Implicit rewards: what a policy trained on outcomes came to prefer, read off its log-probabilities.

A policy that was trained on outcomes (by DPO, or by fitting `sigmoid(beta log-ratio)` to them) carries a
reward of its own: `beta log(pi(token) / pi_ref(token))`, summed over the tokens of a turn. Sources: Rafailov
et al. 2024, "From r to Q*"; iStar (implicit rewards of steps); ITPO, which turns the rewards of an episode's
turns into weights by a softmax and shares the outcome out by them:

    r_t = beta sum_{tokens of t} log(pi / pi_ref),     w = softmax_t(r / T),     credit_t = w_t R.
"""

from __future__ import annotations

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check, softmax


def implicit_rewards(
    logprob: Floats, reference: Floats, turn: Ints, *, turns: int, beta: float = 1.0
) -> Floats:
    """`[K]` Implicit reward of each turn.

    Args:
        logprob: `[T]` Log-probability (natural) of each token under the trained policy.
        reference: `[T]` The same under the policy it started from.
        turn: `[T]` Number of the turn that sampled a token; -1 for tokens nobody sampled, which do not count.
        turns: K.
        beta: The strength of the divergence penalty it was trained with.

    Raises:
        ConfigError: the arrays differ in length.
    """
    if not logprob.shape == reference.shape == turn.shape:
        raise ConfigError(
            f"implicit rewards: expected as many log-probabilities as tokens ({len(turn)}), "
            f"got {len(logprob)} and {len(reference)} of the reference"
        )
    sampled = turn >= 0
    ratio = beta * (logprob[sampled] - reference[sampled])
    return np.bincount(turn[sampled], weights=ratio, minlength=turns).astype(np.float64)


def itpo_weights(implicit: Floats, episode: Ints, *, temperature: float = 1.0) -> Floats:
    """`[K]` Share of each turn in its episode's outcome; the shares of an episode sum to 1.

    Raises:
        ConfigError: the temperature is not above 0, or the arrays do not fit.
    """
    if not temperature > 0:
        raise ConfigError(f"ITPO: expected a temperature above 0, got {temperature}")
    check("ITPO", episode, implicit=implicit)
    return softmax(implicit / temperature, episode)


def itpo_credits(implicit: Floats, outcome: Floats, episode: Ints, *, temperature: float = 1.0) -> Floats:
    """`[K]` The outcome shared out over the turns by their implicit rewards; sums to the outcome.

    Args:
        implicit: `[K]` Of `implicit_rewards`.
        outcome: `[E]` Score of each episode; with a baseline taken off it, credits have both signs.
        episode: `[K]` Number of its episode, not decreasing.
        temperature: Of the softmax; the greater, the more even the shares.

    Raises:
        ConfigError: the temperature is not above 0, or the arrays do not fit.
    """
    return np.asarray(itpo_weights(implicit, episode, temperature=temperature) * outcome[episode])
