"""Supervised learning of turns: who is imitated, which turns, and how much each counts.

    loss = -Σ_t w_t·log π_t

Whose tokens are learned is a choice. The agent's make an agent; the user's, the inverse mask, make a
simulated user (Parrot: Sun et al., "Parrot: enhancing multi-turn chat models by learning to ask questions",
2024, equation 3), from the same dialogues and the same rows.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor


def sft(logprobs: Tensor, *, weights: Tensor) -> Tensor:
    """Cross-entropy of the tokens.

    Args:
        logprobs: `[M]` Log-probabilities of the tokens to be learned.
        weights: `[M]` See `aggregation.token_weights`: weights of turns as its `mass` make a weighted mean
            (`mass=turn_weight[turn]`), multiplied to its result they scale.
    """
    return -(logprobs * weights).sum()


def said_by(speaker: Tensor, who: Collection[int], *, index: Tensor | None = None, first: int = 0) -> Tensor:
    """`[T]` bool: the tokens to be learned, out of all the tokens of the rows.

    Args:
        speaker: `[T]` Number of who each token comes from, as recorded; -1 for the template's own tokens.
        who: The speakers to be learned: the agent, or everybody else (the inverse mask).
        index: `[T]` Number of each token's message among those of its speaker in its episode, from 0.
        first: Messages before this one are left out; 1 leaves out a user's first request, which nothing in
            the dialogue calls for (Parrot).
    """
    learned = torch.isin(speaker, torch.tensor(sorted(who), dtype=speaker.dtype, device=speaker.device))
    learned &= speaker >= 0
    return learned if index is None else learned & (index >= first)
