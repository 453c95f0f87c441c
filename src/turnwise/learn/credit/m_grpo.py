"""The two methods called M-GRPO: for many turns (WebAgent-R1), and for a main agent with sub-agents."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.credit.group import Deviation, centre, dense, joined, relative
from turnwise.learn.credit.registry import method


@method("m_grpo")
def m_grpo(turns: Turns, *, deviation: Deviation = "unbiased", epsilon: float = 1e-4) -> Floats:
    """M-GRPO (multi-turn): the group's z-score of the episode's outcome, for each of its turns, `[K]`.

    WebAgent-R1 (Wei et al., arXiv 2505.16421). The other half of it is how the loss is averaged: over tokens
    of a turn, turns of an episode, episodes (`weights(turns, "turn-mean")`).

    Args:
        turns: The turns.
        deviation: Kind of deviation.
        epsilon: Added to it.
    """
    return relative(turns, deviation=deviation, epsilon=epsilon)


@method("multi_agent_grpo", needs=("several_roles",), takes=("call",))
def multi_agent_grpo(
    turns: Turns,
    *,
    call: Ints,
    main: int = 0,
    deviation: Deviation = "biased",
    epsilon: float = 1e-6,
) -> Floats:
    """M-GRPO (multi-agent): the main agent by episode, each sub-agent by call, within the group, `[K]`.

    Hong et al. (arXiv 2511.13288). There, episodes with more or fewer calls of a sub-agent are brought to one
    number of calls by repeating or dropping some at random; here, what that amounts to on average: all calls
    of one episode share one vote. (Statistics reconstructed; the paper's code is not public.)

    Args:
        turns: Rewards of a sub-agent stand with the turns of the call they are for.
        call: `[K]` Number of the call of a sub-agent that a turn belongs to (its row, `Batch.turn_row`).
        main: Role of the main agent.
        deviation: Kind of deviation.
        epsilon: Added to it.
    """
    chain, count, _ = chains(turns)
    unit = joined(chain, np.where(turns.role == main, 0, dense(call) + 1))
    first = np.unique(unit, return_index=True)[1]
    number, unit = np.unique(unit, return_inverse=True)
    score = np.asarray(np.bincount(unit, turns.reward, minlength=len(number)), np.float64)
    label = joined(turns.group[turns.episode[first]], turns.role[first])
    calls = np.bincount(chain[first], minlength=count)[chain[first]]
    seen = np.bincount(unit, turns.counted) > 0
    vote = np.asarray(1 / calls, np.float64)
    return centre(score, label, vote=vote, counted=seen, deviation=deviation, epsilon=epsilon)[unit]
