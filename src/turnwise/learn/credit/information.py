"""Information gain: by how much a turn raised the probability of the reference answer (IGPO).

Source: Wang et al. 2025, "Information Gain-based Policy Optimization" (arXiv 2510.14967). With p_t the
probability that the policy gives the reference answer once turn t and what it brought to light are known (for
a text: the exponential of its mean token log-probability),

    credit_t = p_t - p_{t-1},      and the last turn has the outcome besides

(in the paper the last turn, which answers, has the outcome alone: `last="alone"`). The gains of an episode
telescope: they sum to `p_last - p_start`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.spans import check, gains, lasts

NEEDS = ("known_answer",)
"""What an environment must declare (`Environment.require`)."""


def information_gain(
    probability: Floats,
    start: Floats,
    episode: Ints,
    *,
    outcome: Floats | None = None,
    last: Literal["added", "alone"] = "added",
    scale: Literal["probability", "log"] = "probability",
) -> Floats:
    """`[K]` By how much each turn raised the reference answer's probability.

    Args:
        probability: `[K]` Of the reference answer after each turn.
        start: `[E]` Before the first.
        episode: `[K]` Number of its episode, not decreasing.
        outcome: `[E]` Given for the last turn; None gives the gains only.
        last: Whether the last turn has its gain and the outcome, or the outcome alone, as published (a turn
            that only states the answer brings nothing to light).
        scale: `log` counts in nats.

    Raises:
        ConfigError: a number is no probability, or the arrays do not fit.
    """
    check("information gain", episode, probability=probability)
    for what, values in (("probability", probability), ("start", start)):
        wrong = (values < 0) | (values > 1) | ((values == 0) if scale == "log" else False)
        if wrong.any():
            raise ConfigError(
                f"information gain: expected {what!r} from 0 to 1"
                f"{', above 0 for its logarithm' if scale == 'log' else ''}, got {values[wrong][0]}"
            )
    if scale == "log":
        probability, start = np.log(probability), np.log(start)
    credit = gains(probability, episode, start)
    if outcome is not None:
        end = lasts(episode)
        credit[end] = outcome[episode[end]] + (credit[end] if last == "added" else 0.0)
    return credit
