"""DAPO: PPO whose upper clip is further out, added up by tokens (Yu et al., "DAPO: an open-source LLM
reinforcement learning system at scale", 2025).

Clip-higher lets unlikely tokens that did well grow; with `token-mean` long rows are not thinned out. The rest
of the recipe is `overlong.py` and a filter of groups without variance.
"""

from __future__ import annotations

from torch import Tensor

from turnwise.learn.losses.ppo import ppo


def dapo(
    logprobs: Tensor,
    *,
    old: Tensor,
    advantages: Tensor,
    weights: Tensor,
    low: float = 0.2,
    high: float = 0.28,
    dual: float | None = 3.0,
) -> Tensor:
    """`ppo` at DAPO's setting; give it the weights of `token-mean`."""
    return ppo(logprobs, old=old, advantages=advantages, weights=weights, low=low, high=high, dual=dual)
