"""The two methods called M-GRPO: for many turns (WebAgent-R1), and for a main agent with sub-agents."""

from __future__ import annotations

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit.calls import calls
from turnwise.learn.credit.group import Deviation, centre, joined, relative
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
    found = calls(turns, call, turns.role != main)
    label = joined(turns.group[turns.episode[found.first]], turns.role[found.first])
    vote = 1 / found.siblings
    result = centre(
        found.score, label, vote=vote, counted=found.counted, deviation=deviation, epsilon=epsilon
    )
    return result[found.of_turn]
