"""How the losses of tokens are added up: every mode is a vector of weights, `(weights * losses).sum()`.

Which mode is right is a choice about what counts the same: tokens, rows (episodes), or turns. As the weights
depend on the masks alone they are made once for a whole batch; a micro-batch takes its slice of them, and its
gradients add up to the batch's, however it was packed or split.

| mode | each counts the same | known from |
| --- | --- | --- |
| `token-mean` | token | DAPO |
| `seq-mean-token-sum` | row, by its sum | REINFORCE |
| `seq-mean-token-mean` | row | GRPO |
| `seq-mean-token-sum-norm` | token, over a constant | Dr.GRPO |
| `turn-mean` | turn | turn-level methods |
| `seq-mean-turn-mean` | row; in it, turn; in it, token | EPO |
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor

from turnwise.errors import ConfigError, did_you_mean
from turnwise.learn.losses import segments

Mode: TypeAlias = Literal[
    "token-mean",
    "seq-mean-token-sum",
    "seq-mean-token-mean",
    "seq-mean-token-sum-norm",
    "turn-mean",
    "seq-mean-turn-mean",
]
MODES: tuple[Mode, ...] = get_args(Mode)


def token_weights(
    mode: Mode,
    *,
    row: Tensor,
    turn: Tensor | None = None,
    mass: Tensor | None = None,
    denominator: float | None = None,
) -> Tensor:
    """`[M]` The weight of each token's loss in the whole.

    Args:
        mode: One of `MODES`.
        row: `[M]` Number of each token's row (or episode, where an episode in several rows is to count once).
        turn: `[M]` Number of each token's turn, unique over all rows; needed by the modes that name turns.
        mass: `[M]` What each token counts, at least 0, in sums and in denominators: 0 leaves it out as if it
            had not been sampled; weights of turns make weighted means. None is 1 for all. What only scales
            the loss, and no denominator, is multiplied to the result instead.
        denominator: What stands for the count of tokens, rows or turns that is divided by: that of all
            processes, in distributed training. Needed by `seq-mean-token-sum-norm`, where it is the constant.

    Returns:
        `[M]` in the dtype of `mass` (float32 without). Rows and turns without mass are not counted; all is 0
        where nothing has any.

    Raises:
        ConfigError: for an unknown mode, or where `turn` or `denominator` is missing.
    """
    if mode not in MODES:
        raise ConfigError(
            f"no aggregation is called {mode!r}{did_you_mean(mode, MODES)}; use {', '.join(MODES)}"
        )
    if mass is None and mode == "token-mean":
        return torch.full(row.shape, 1 / (denominator or max(len(row), 1)), device=row.device)
    mass = torch.ones(row.shape, device=row.device) if mass is None else mass
    mass = mass.float() if mass.dtype is torch.bool else mass
    if mode == "token-mean":
        return mass / (_or_one(mass.sum()) if denominator is None else denominator)
    if mode == "seq-mean-token-sum":
        return mass / (_count(segments.total(mass, row)) if denominator is None else denominator)
    if mode == "seq-mean-token-mean":
        return _mean_of_means(mass, row, denominator)
    if mode == "seq-mean-token-sum-norm":
        if denominator is None:
            raise ConfigError(
                "aggregation 'seq-mean-token-sum-norm' divides by a constant: give `denominator`"
            )
        return mass / denominator
    if turn is None:
        raise ConfigError(f"aggregation {mode!r} counts turns: give `turn`, the number of each token's turn")
    if mode == "turn-mean":
        return _mean_of_means(mass, turn, denominator)
    return _mean_of_turns(mass, row, turn, denominator)


def _present(mass: Tensor) -> Tensor:
    """`[N]` 1 for each segment with any mass."""
    return (mass > 0).to(mass.dtype)


def _count(mass: Tensor) -> Tensor:
    """How many segments have any mass; 1 where none has."""
    return _or_one(_present(mass).sum())


def _mean_of_means(mass: Tensor, segment: Tensor, denominator: float | None) -> Tensor:
    inside = segments.total(mass, segment)
    count = _count(inside) if denominator is None else denominator
    return mass / (_or_one(inside) * count)[segment]


def _mean_of_turns(mass: Tensor, row: Tensor, turn: Tensor, denominator: float | None) -> Tensor:
    in_turn = segments.total(mass, turn)
    row_of_turn = torch.zeros_like(in_turn, dtype=row.dtype).scatter(0, turn, row)
    turns_in_row = segments.total(_present(in_turn), row_of_turn, segments.size(row))
    count = _count(turns_in_row) if denominator is None else denominator
    return mass / (_or_one(in_turn)[turn] * _or_one(turns_in_row)[row] * count)


def _or_one(count: Tensor) -> Tensor:
    """Counts that are divided by: nothing over nothing is nothing."""
    return torch.where(count > 0, count, 1)
