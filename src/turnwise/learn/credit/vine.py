"""Vine Monte Carlo: what a turn changed, measured by going on many times from before and after it.

Source: Kazemnejad et al. 2024, "VinePPO"; also SPO, and the targets of AgentPRM. With V^(s_t) the mean score
of K continuations from the state before turn t, under the policy,

    credit_t = V^(s_{t+1}) - V^(s_t),      and behind the last turn stands the outcome itself.

The credits of an episode telescope: they sum to `R - V^(s_1)`. Each is unbiased for the advantage of the
turn, with an error that falls as 1 / sqrt(K).
"""

from __future__ import annotations

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.rollouts import Forks, mean_score, together
from turnwise.learn.credit.spans import check, lasts

NEEDS = ("forkable",)
"""What an environment must declare for `vine_turns`."""


def vine_credits(before: Floats, outcome: Floats, episode: Ints, *, after: Floats | None = None) -> Floats:
    """`[K]` What each turn changed of the value.

    Args:
        before: `[K]` Estimated value of the state before each turn.
        outcome: `[E]` Score of each episode.
        episode: `[K]` Number of its episode, not decreasing.
        after: `[K]` Estimated value right after each turn, before chance and others answer. With it, what
            they bring is credited to no turn (the sum is then the outcome less that luck); without, the
            value after a turn is the value before the next, and behind the last the outcome.

    Raises:
        ConfigError: the arrays do not fit.
    """
    check("vine", episode, before=before, **({} if after is None else {"after": after}))
    if after is None:
        after = np.empty(len(before))
        after[:-1] = before[1:]
        end = lasts(episode)
        after[end] = outcome[episode[end]]
    return after - before


def values_from_rollouts(score: Floats, point: Ints, points: int) -> Floats:
    """`[P]` Mean score of the rollouts from each point; NaN where none has a score.

    Args:
        score: `[N]` Of each rollout, NaN where it failed.
        point: `[N]` Number of the point it started from.
        points: P.
    """
    given = ~np.isnan(score)
    count = np.bincount(point[given], minlength=points)
    total = np.bincount(point[given], weights=score[given], minlength=points)
    return np.divide(total, count, out=np.full(points, np.nan), where=count > 0)


async def vine_turns(forks: Forks, *, count: int, luck: bool = True, seed: int = 0) -> Floats:
    """`[N]` Vine credit of each turn a role took in a real episode, by forking it.

    Args:
        forks: The episode, and who plays on.
        count: Continuations from each point (K).
        luck: Credit a turn with what chance and others brought after it, too: one point a turn. Without,
            the value right after each turn is measured besides: two points a turn.
        seed: Of the continuations.

    Raises:
        ConfigError: the environment cannot be forked, or nothing is to be sampled.
    """
    forks.require("vine Monte Carlo", *NEEDS)
    if count < 1:
        raise ConfigError(f"vine Monte Carlo: expected at least 1 continuation, got {count}")
    starts = [turn.index for turn in forks.turns]
    points = starts if luck else [*starts, *(at + 1 for at in starts)]
    scores = await together(forks.after(at, count=count, seed=seed) for at in points)
    values = np.array([mean_score(of_point) for of_point in scores])
    before, after = values[: len(starts)], None if luck else values[len(starts) :]
    episode = np.zeros(len(starts), dtype=np.int64)
    return vine_credits(before, np.array([forks.score]), episode, after=after)
