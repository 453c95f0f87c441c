"""A batch's loss as an engine asks for it: micro-batch by micro-batch, the parts adding up to the whole."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from turnwise.learn import losses
from turnwise.learn.batch import Batch, Floats
from turnwise.learn.config import TrainConfig
from turnwise.learn.engine.protocol import Loss, Scored
from turnwise.learn.losses.aggregation import Mode, token_weights


def policy_loss(batch: Batch, advantages: Floats, config: TrainConfig) -> Loss:
    """The config's loss on a batch.

    Args:
        batch: What was sampled; the ratio is taken to the log-probabilities it holds.
        advantages: `[M]` Of each sampled token, in the batch's order.
        config: Says which loss, with which settings, and how tokens are added up.
    """
    turn = _tensor(batch.turn[batch.sampled])
    mode: Mode = config.aggregation  # pyright: ignore[reportAssignmentType]
    constant = float(batch.rows * config.max_tokens) if mode == "seq-mean-token-sum-norm" else None
    # An episode counts once, in however many rows it stands.
    episode = _tensor(batch.turns.episode)[turn]
    columns = {
        "old": _tensor(batch.logprobs[batch.sampled]),
        "advantages": _tensor(advantages).float(),
        "weights": token_weights(mode, row=episode, turn=turn, denominator=constant),
        "row": _tensor(batch.turn_row)[turn],
        "turn": turn,
    }
    function, inputs = losses.get(config.loss), losses.inputs(config.loss)
    wanted = [name for name in inputs if name in columns]

    def loss(scored: Scored) -> Tensor:
        places = scored.places
        given = {name: columns[name].to(places.device)[places] for name in wanted}
        if "entropy" in inputs and scored.entropy is not None:
            given["entropy"] = scored.entropy
        return function(scored.logprobs, **given, **config.loss_options)

    return loss


def value_loss(batch: Batch, returns: Floats) -> Loss:
    """Half the mean squared error of a critic's values.

    Args:
        batch: What was sampled.
        returns: `[M]` What the value at each sampled token should be.
    """
    wanted = _tensor(returns).float()
    weight = 1 / max(1, int(batch.sampled.sum()))
    function = losses.get("value")

    def loss(scored: Scored) -> Tensor:
        target = wanted.to(scored.places.device)[scored.places]
        return function(scored.logprobs, returns=target, weights=torch.full_like(target, weight))

    return loss


def imitation_loss(batch: Batch) -> Loss:
    """Minus the mean log-probability of what was sampled: supervised training on a batch."""
    weight = 1 / max(1, int(batch.sampled.sum()))

    def loss(scored: Scored) -> Tensor:
        return -weight * scored.logprobs.sum()

    return loss


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Tensor:
    return torch.as_tensor(array)
