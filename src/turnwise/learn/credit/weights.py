"""How a loss is averaged over tokens, turns and episodes: the weight of each token in a plain sum."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Bools, Floats, Turns
from turnwise.learn.credit.chains import chains

Aggregation: TypeAlias = Literal[
    "token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm", "turn-mean"
]


def weights(
    turns: Turns, how: Aggregation, *, keep: Bools | None = None, constant: float | None = None
) -> Floats:
    """`[K]` Weight w of each token of a turn, so that Σ_k w_k·Σ_t loss_kt is the average asked for.

    A sequence is all that one role said in one episode, over all its rows: what a summary broke into three
    rows does not count three times.

    Args:
        turns: The turns.
        how: `token-mean` is over all tokens (DAPO, SUPO); `seq-mean-token-mean` over tokens, then sequences
            (GRPO); `seq-mean-token-sum` sums over tokens; `…-norm` divides that by `constant` (Dr.GRPO);
            `turn-mean` is over tokens of a turn, turns of a sequence, sequences (M-GRPO, Flow-GRPO).
        keep: `[E]` Episodes that are learned from; the others have no weight and are in no denominator.
        constant: For `seq-mean-token-sum-norm`, such as the greatest length.
    """
    chain, count, _ = chains(turns)
    kept = np.ones(len(chain)) if keep is None else keep[turns.episode].astype(np.float64)
    kept = np.where(turns.tokens > 0, kept, 0.0)
    length = np.maximum(np.bincount(chain, kept * turns.tokens, minlength=count), 1)[chain]
    each = kept / max(np.count_nonzero(np.bincount(chain, kept, minlength=count)), 1)
    if how == "token-mean":
        return kept / max(float(kept @ turns.tokens), 1)
    if how == "seq-mean-token-sum":
        return each
    if how == "seq-mean-token-mean":
        return each / length
    if how == "turn-mean":
        return (
            each
            / np.maximum(np.bincount(chain, kept, minlength=count), 1)[chain]
            / np.maximum(turns.tokens, 1)
        )
    if constant is None:
        raise ConfigError("seq-mean-token-sum-norm needs `constant`, such as the greatest number of tokens")
    return each / constant
