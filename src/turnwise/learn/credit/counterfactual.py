"""Counterfactual credit: the outcome less what it would have been without this turn, or without this agent.

    credit_t = R - R_{-t}

`R_{-t}` is the mean score of rollouts in which turn t is said anew. What comes after it may stay as it was
(`rest="kept"`: the turn's part alone) or be left to the policy too (`rest="anew"`: R less the value before
the turn, a baseline of its own for each turn). For an agent, all its turns are taken by a substitute.
Sources: C3, CCPO and SHARP (as the credit assignment survey tells); for agents, difference rewards (Wolpert &
Tumer 2002) and COMA (Foerster et al. 2018).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from turnwise.agent import Agent
from turnwise.errors import ConfigError
from turnwise.learn.batch import Floats, Ints
from turnwise.learn.credit.rollouts import Forks, mean_score, together
from turnwise.learn.credit.spans import check

NEEDS = ("forkable",)
"""What an environment must declare for `counterfactual_turns`."""
AGENT_NEEDS = ("forkable", "several_roles")
"""What an environment must declare for `counterfactual_agent`."""

Rest: TypeAlias = Literal["kept", "anew"]


def leave_one_out(outcome: Floats, without: Floats, episode: Ints) -> Floats:
    """`[K]` The outcome less what it was without each turn.

    Args:
        outcome: `[E]` Score of each episode.
        without: `[K]` Mean score where the turn was said anew; NaN where no rollout has one.
        episode: `[K]` Number of its episode, not decreasing.

    Raises:
        ConfigError: the arrays do not fit.
    """
    check("counterfactual", episode, without=without)
    return outcome[episode] - without


async def counterfactual_turns(forks: Forks, *, count: int, rest: Rest = "kept", seed: int = 0) -> Floats:
    """`[N]` Counterfactual credit of each turn a role took in a real episode, by forking it.

    Args:
        forks: The episode, and who says a turn anew.
        count: Rollouts for each turn.
        rest: Whether the role's later turns are kept as they were, or left to the policy.
        seed: Of the rollouts.

    Raises:
        ConfigError: the environment cannot be forked, or nothing is to be sampled.
        CapabilityError: a turn to keep was said by no model's call.
    """
    forks.require("counterfactual credit", *NEEDS)
    if count < 1:
        raise ConfigError(f"counterfactual credit: expected at least 1 rollout, got {count}")
    every = range(len(forks.turns))
    if rest == "kept":
        ways = (
            forks.keeping([other for other in every if other != number], count=count, seed=(seed, number))
            for number in every
        )
    else:
        ways = (forks.after(turn.index, count=count, seed=seed) for turn in forks.turns)
    without = np.array([mean_score(scores) for scores in await together(ways)])
    return leave_one_out(np.array([forks.score]), without, np.zeros(len(every), dtype=np.int64))


async def counterfactual_agent(forks: Forks, substitute: Agent, *, count: int, seed: int = 0) -> float:
    """The score less what it is with `substitute` in the place of the role, all else as it was cast.

    Args:
        forks: The episode; its `role` is replaced, and its score counts.
        substitute: Who plays instead, e.g. a random player.
        count: Rollouts.
        seed: Of the rollouts.

    Raises:
        ConfigError: the environment has one role only, or cannot be forked.
    """
    forks.require("counterfactual credit of an agent", *AGENT_NEEDS)
    return forks.score - mean_score(await forks.replaced(substitute, count=count, seed=seed))
