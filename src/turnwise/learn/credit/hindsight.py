"""Hindsight credit: was this action more likely than usual, among the episodes that ended as this one did?

Source: Harutyunyan et al. 2019, "Hindsight Credit Assignment", return-conditional form; HCAPO asks a language
model that is told the outcome for h. With the policy's pi(a | s) and h(a | s, R), the probability of the
action among visits of s whose episodes ended with R,

    credit_t = (1 - pi(a_t | s_t) / h(a_t | s_t, R)) R.

Over the outcomes that follow a in s its mean is Q(s, a) - V(s), as long as every outcome that s may have can
follow a: an action that rules one out is never seen with it, and so is not charged for its loss. An action
that changes nothing has h = pi, and credit 0.
"""

from __future__ import annotations

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check

NEEDS = ("state_key",)
"""What an environment must declare for `hindsight_logprobs`, which counts visits of states."""


def hindsight_credits(
    logprob: Floats, hindsight: Floats, outcome: Floats, episode: Ints, *, most: float = 10.0
) -> Floats:
    """`[K]` Return-conditional hindsight credit of each turn.

    Args:
        logprob: `[K]` Log-probability (natural) of each turn under the policy; of a text, of all its tokens.
        hindsight: `[K]` The same once the outcome is known.
        outcome: `[E]` Score of each episode.
        episode: `[K]` Number of its episode, not decreasing.
        most: Greatest ratio pi / h; where the outcome speaks against what was done, it has no bound.

    Raises:
        ConfigError: the arrays do not fit, or `most` is below 1.
    """
    if not most >= 1:
        raise ConfigError(f"hindsight: expected a greatest ratio of at least 1, got {most}")
    check("hindsight", episode, logprob=logprob, hindsight=hindsight)
    ratio = np.exp(np.minimum(logprob - hindsight, np.log(most)))
    return np.asarray((1.0 - ratio) * outcome[episode])


def hindsight_logprobs(
    state: Ints, action: Ints, outcome: Floats, episode: Ints, logprob: Floats, *, prior: float = 1.0
) -> Floats:
    """`[K]` Log-probability of each turn's action given its state and the outcome, from counts.

    `h = (n(s, R, a) + prior pi(a | s)) / (n(s, R) + prior)`: with little seen, the policy itself.

    Args:
        state: `[K]` Number of the state it was taken in.
        action: `[K]` Number of the action.
        outcome: `[E]` Score of each episode; equal scores are the same outcome.
        episode: `[K]` Number of its episode, not decreasing.
        logprob: `[K]` Log-probability of the action under the policy.
        prior: Visits that the policy counts for.

    Raises:
        ConfigError: the arrays do not fit, or the prior is below 0.
    """
    if prior < 0:
        raise ConfigError(f"hindsight: expected a prior of at least 0 visits, got {prior}")
    check("hindsight", episode, logprob=logprob)
    _, ended = np.unique(outcome, return_inverse=True)
    visits = np.stack([state, ended[episode]], axis=1)
    _, visit, met = np.unique(visits, axis=0, return_inverse=True, return_counts=True)
    chosen = np.stack([visit.reshape(-1), action], axis=1)
    _, choice, done = np.unique(chosen, axis=0, return_inverse=True, return_counts=True)
    likely = done[choice.reshape(-1)] + prior * np.exp(logprob)
    return np.log(likely / (met[visit.reshape(-1)] + prior))
