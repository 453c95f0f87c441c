"""The credit survey's families by name, as methods of `Turns`: each role's turns by its own outcome.

Source: "From Reasoning to Agentic: Credit Assignment in Reinforcement Learning for Large Language Models".
What a family needs besides the turns (values of forked rollouts, log-ratios, verdicts) is an argument, one
number a turn `[K]`; the files named after the families make them. `start` is `[E]` or one number for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from turnwise.learn.batch import Floats, Ints, Turns
from turnwise.learn.credit import counterfactual, decomposition, information, vine
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.hindsight import hindsight_credits
from turnwise.learn.credit.implicit import itpo_credits
from turnwise.learn.credit.judge import judge_credits
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.softmin import softmin_rewards


def _along(turns: Turns, credit: Callable[[Floats, Ints, Any], Floats], **arrays: Floats | None) -> Floats:
    """`[K]` `credit(outcome, chain, arrays)` on everything sorted by chain, back in the turns' order."""
    chain, _, _ = chains(turns)
    order = np.argsort(chain, kind="stable")
    by_chain = {name: None if array is None else array[order] for name, array in arrays.items()}
    result = np.empty(len(order))
    result[order] = credit(outcomes(turns), chain[order], by_chain)
    return result


def _of_chains(turns: Turns, start: Floats | float) -> Floats:
    """`[C]` A number of each episode, for each of its roles."""
    _, _, roles = chains(turns)
    return np.repeat(np.broadcast_to(np.asarray(start, dtype=np.float64), len(turns.group)), roles)


@method("vine", needs=vine.NEEDS, takes=("before",))
def vine_method(turns: Turns, *, before: Floats, after: Floats | None = None) -> Floats:
    """What each turn changed of the value, by continuations from before (and after) it (VinePPO).

    Args:
        turns: The turns.
        before: `[K]` Value before each turn (`vine.vine_turns` and `vine.values_from_rollouts` make it).
        after: `[K]` Value right after it; None takes the value before the role's next.
    """
    return _along(
        turns,
        lambda outcome, chain, by: vine.vine_credits(by["before"], outcome, chain, after=by["after"]),
        before=before,
        after=after,
    )


@method("counterfactual", needs=counterfactual.NEEDS, takes=("without",))
def counterfactual_method(turns: Turns, *, without: Floats) -> Floats:
    """The outcome less what it is where the turn alone is said anew (leave-one-out).

    Args:
        turns: The turns.
        without: `[K]` Mean score of the rollouts in which the turn was said anew.
    """
    return _along(
        turns,
        lambda outcome, chain, by: counterfactual.leave_one_out(outcome, by["without"], chain),
        without=without,
    )


@method("return_decomposition", takes=("predicted",))
def decomposition_method(
    turns: Turns,
    *,
    predicted: Floats,
    start: Floats | float = 0.0,
    rest: decomposition.Rest = "even",
) -> Floats:
    """By how much each turn changed a learnt prediction of the outcome (RUDDER).

    Args:
        turns: The turns.
        predicted: `[K]` Outcome predicted from all up to and with each turn.
        start: Predicted before the first.
        rest: Who gets what the last prediction missed.
    """
    return _along(
        turns,
        lambda outcome, chain, by: decomposition.difference_credits(
            by["predicted"], _of_chains(turns, start), outcome, chain, rest=rest
        ),
        predicted=predicted,
    )


@method("return_parts", takes=("parts",))
def parts_method(turns: Turns, *, parts: Floats, rest: decomposition.Rest = "even") -> Floats:
    """Each turn's term in a prediction of the outcome that is a sum over turns (LaRe, SPA-RL, RED).

    Args:
        turns: The turns.
        parts: `[K]` Terms.
        rest: Who gets what they leave unexplained.
    """
    return _along(
        turns,
        lambda outcome, chain, by: decomposition.part_credits(by["parts"], outcome, chain, rest=rest),
        parts=parts,
    )


@method("pure")
def softmin_method(turns: Turns, *, temperature: float = 0.1) -> Floats:
    """Process rewards (the turns' own), reweighted so that their sum behaves as the least (PURE).

    Args:
        turns: The turns; their rewards are process rewards.
        temperature: The lower, the nearer to the minimum.
    """
    return _along(
        turns,
        lambda _, chain, by: softmin_rewards(by["reward"], chain, temperature=temperature),
        reward=turns.reward,
    )


@method("itpo", takes=("implicit",))
def itpo_method(turns: Turns, *, implicit: Floats, temperature: float = 1.0) -> Floats:
    """The outcome shared out over the turns by a softmax of their implicit rewards (ITPO).

    Args:
        turns: The turns.
        implicit: `[K]` Summed log-ratios of a trained policy (`implicit.implicit_rewards`).
        temperature: The greater, the more even.
    """
    return _along(
        turns,
        lambda outcome, chain, by: itpo_credits(by["implicit"], outcome, chain, temperature=temperature),
        implicit=implicit,
    )


@method("information_gain", needs=information.NEEDS, takes=("probability", "start"))
def information_method(
    turns: Turns,
    *,
    probability: Floats,
    start: Floats | float,
    outcome: bool = True,
    last: Literal["added", "alone"] = "added",
) -> Floats:
    """By how much each turn raised the probability of the reference answer (IGPO).

    Args:
        turns: The turns.
        probability: `[K]` Of the reference answer after each turn.
        start: Before the first.
        outcome: Whether the last turn has the outcome besides.
        last: Whether it is added to that turn's gain, or stands alone.
    """
    return _along(
        turns,
        lambda whole, chain, by: information.information_gain(
            by["probability"],
            _of_chains(turns, start),
            chain,
            outcome=whole if outcome else None,
            last=last,
        ),
        probability=probability,
    )


@method("hindsight", takes=("logprob", "hindsight"))
def hindsight_method(turns: Turns, *, logprob: Floats, hindsight: Floats, most: float = 10.0) -> Floats:
    """`(1 - pi / h) R`: was the turn more likely than usual, given how it ended (HCA, HCAPO)?

    Args:
        turns: The turns.
        logprob: `[K]` Log-probability of each turn under the policy.
        hindsight: `[K]` The same once the outcome is known (`hindsight.hindsight_logprobs` counts it).
        most: Greatest ratio pi / h.
    """
    return _along(
        turns,
        lambda outcome, chain, by: hindsight_credits(
            by["logprob"], by["hindsight"], outcome, chain, most=most
        ),
        logprob=logprob,
        hindsight=hindsight,
    )


@method("judge", takes=("score",))
def judge_method(
    turns: Turns,
    *,
    score: Floats,
    deviation: Literal["sample", "population", "none"] = "sample",
    epsilon: float = 1e-6,
) -> Floats:
    """A judge's scores, compared at equal step index in the group; a missing one stays missing (CAPO).

    Args:
        turns: The turns.
        score: `[K]` NaN where there is no verdict.
        deviation: What differences are divided by.
        epsilon: Added to it.
    """
    _, _, roles = chains(turns)
    return _along(
        turns,
        lambda _, chain, by: judge_credits(
            by["score"],
            chain,
            by["index"].astype(np.int64),
            np.repeat(turns.group, roles) * roles + np.tile(np.arange(roles), len(turns.group)),
            deviation=deviation,
            epsilon=epsilon,
        ),
        score=score,
        index=turns.index.astype(np.float64),
    )
