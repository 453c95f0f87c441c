"""A batch's loss as an engine asks for it: micro-batch by micro-batch, the parts adding up to the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from turnwise.learn import losses
from turnwise.learn.batch import Batch, Floats
from turnwise.learn.config import TrainConfig, named
from turnwise.learn.engine.protocol import Loss, Scored
from turnwise.learn.losses.aggregation import Mode
from turnwise.learn.losses.icepop import icepop
from turnwise.learn.losses.kl import kl
from turnwise.learn.losses.over_turn import Policy, token_weights
from turnwise.learn.losses.rejection import Scope, keep
from turnwise.learn.losses.tis import tis


def rejection(trainer: Tensor, *, most: float = 1.0, scope: Scope = "mean", **options: Any) -> Tensor:
    """`[M]` 1 for the tokens that stay, 0 for the others; see `losses.rejection.keep`."""
    return keep(trainer, most=most, scope=scope, **options).float()


CORRECTIONS: Mapping[str, Callable[..., Tensor]] = {"tis": tis, "icepop": icepop, "rejection": rejection}
"""What a token counts that other weights sampled than those the update starts from."""


def policy_loss(batch: Batch, columns: Mapping[str, Floats], config: TrainConfig) -> Loss:
    """The config's loss on a batch.

    Args:
        batch: What was sampled.
        columns: Numbers of each sampled token `[M]`, in the batch's order: `advantages`; `old`, the
            log-probabilities that ratios are taken to; where there are any, `correction`, by which weights
            are multiplied, and `reference`, log-probabilities to stay near to.
        config: Says which loss, with which settings, how tokens are added up, and what becomes of episodes
            that were cut off.
    """
    turn = _tensor(batch.turn[batch.sampled])
    added = named(config.aggregation, "aggregation")
    mode: Mode = added.name  # pyright: ignore[reportAssignmentType]
    constant = float(batch.rows * config.max_tokens) if mode == "seq-mean-token-sum-norm" else None
    # An episode counts once, in however many rows it stands.
    episode = _tensor(batch.turns.episode)[turn]
    policy: Policy = added.options.get("truncated", "penalize")
    cut = _tensor(batch.truncated)
    weights = token_weights(mode, row=episode, truncated=cut, policy=policy, turn=turn, denominator=constant)
    given = {name: _tensor(column).float() for name, column in columns.items()}
    given |= {"weights": weights, "row": _tensor(batch.turn_row)[turn], "turn": turn}
    if "correction" in given:
        given["weights"] = weights * given["correction"]
    chosen = named(config.loss, "loss")
    function, inputs = losses.get(chosen.name), losses.inputs(chosen.name)

    def loss(scored: Scored) -> Tensor:
        places = scored.places
        here = {name: column.to(places.device)[places] for name, column in given.items()}
        if scored.entropy is not None:
            here["entropy"] = scored.entropy
        wanted = {name: here[name] for name in inputs if name in here}
        found = function(scored.logprobs, **wanted, **chosen.options)
        if config.kl:
            near = kl(scored.logprobs, reference=here["reference"], weights=here["weights"])
            found = found + config.kl * near
        return found

    return loss


def corrected(batch: Batch, trainer: Floats, config: TrainConfig, name: str) -> Floats:
    """`[M]` What each sampled token counts: 1 where the weights that sampled it are those that learn.

    Args:
        batch: What was sampled, and with which log-probabilities.
        trainer: `[M]` Log-probabilities of the sampled tokens before the update.
        config: Has the settings; `segment` is `row` or `turn`, to weigh all tokens of one alike.
        name: Of the correction.
    """
    options = dict(named(config.correction, "correction").options)
    turn = batch.turn[batch.sampled]
    numbers = {"turn": turn, "row": batch.turn_row[turn]}
    wanted = options.pop("segment", "row" if name == "rejection" else None)
    segment = None if wanted is None else _tensor(numbers[wanted])
    sampler = _tensor(batch.logprobs[batch.sampled].astype(np.float64))
    found = CORRECTIONS[name](_tensor(trainer), sampler=sampler, segment=segment, **options)
    return found.numpy().astype(np.float64)


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
