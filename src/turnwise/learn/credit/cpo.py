"""EARL's counterfactual policy optimisation: what an inserted tool call was worth, beside GRPO."""

from __future__ import annotations

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.chains import chains, outcomes
from turnwise.learn.credit.grpo import grpo
from turnwise.learn.credit.registry import method


@method("cpo", takes=("factual",))
def cpo(turns: Turns, *, factual: Floats) -> Floats:
    """CPO: R − R_factual where something was inserted into an episode, else as GRPO, `[K]`.

    Yue et al., "Expanding the Action Space of LLMs to Reason Beyond Language" (arXiv 2510.07581). The
    difference is not divided by a deviation.

    Args:
        turns: The turns.
        factual: `[E]` What the episode was worth without the insertion; NaN where nothing was inserted.
    """
    chain, _, roles = chains(turns)
    difference = outcomes(turns)[chain] - np.repeat(factual, roles)[chain]
    return np.where(np.isnan(difference), grpo(turns), difference)
