"""REINFORCE++ and its variant with a group baseline."""

from __future__ import annotations

from typing import Literal

import numpy as np

from turnwise.learn.batch import Floats, Turns
from turnwise.learn.credit.group import Alone, relative
from turnwise.learn.credit.registry import method
from turnwise.learn.credit.tokens import Reals, returns, whiten, whiten_turns


@method("reinforce_plus_plus", per="token")
def reinforce_plus_plus(
    turns: Turns,
    *,
    gamma: float = 1.0,
    token_reward: Reals | None = None,
    epsilon: float = 1e-8,
    variant: Literal["corrected", "published"] = "corrected",
) -> Reals:
    """REINFORCE++: discounted reward to go of each token, whitened over all tokens of the batch, `[M]`.

    In single precision, whatever is summed in double.
    Hu et al. (arXiv 2501.03262). verl multiplies the running return by the mask, so that an observation cuts
    off all credit from later turns (`published`); OpenRLHF and SkyRL discount through observations. Here the
    return runs on over sampled tokens.

    Args:
        turns: Rewards come with each turn's last token.
        gamma: Discount per sampled token.
        token_reward: `[M]` Given to single tokens besides.
        epsilon: Added to the variance.
        variant: `published` is verl's.
    """
    segment = "turn" if variant == "published" else "episode"
    result = returns(turns, gamma=gamma, token_reward=token_reward, segment=segment, dtype=np.float32)
    return whiten(result, epsilon=epsilon, out=result)


@method("reinforce_plus_plus_baseline")
def reinforce_plus_plus_baseline(turns: Turns, *, epsilon: float = 1e-8, alone: Alone = "zero") -> Floats:
    """REINFORCE++-baseline: R − mean of the group, whitened over all *tokens* of the batch, `[K]`.

    As in verl: an episode of many tokens weighs more in the whitening.

    Args:
        turns: The turns.
        epsilon: Added to the variance.
        alone: What a lone episode brings into the whitening; verl takes its score (`raw`).
    """
    return whiten_turns(relative(turns, alone=alone), turns, epsilon=epsilon)
