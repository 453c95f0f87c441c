"""Losses of whole turns or episodes: functions of what their tokens' log-probabilities add up to.

A pair's loss needs both of its parts at once, and an engine sees a batch in micro-batches, which part them.
So the batch is scored first; the loss and its derivative by each total are worked out for all of it; and what
the engine is then given is that derivative, token by token. The gradient is exactly the loss's own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from turnwise.learn.batch import Batch, Floats, Ints
from turnwise.learn.engine.protocol import Engine, Loss, Scored
from turnwise.learn.losses.gradient import known


def totals(batch: Batch, logprobs: Floats) -> Floats:
    """`[K]` The log-probability of each turn: the sum over its tokens.

    Args:
        batch: What was sampled.
        logprobs: `[M]` Of the sampled tokens, in the batch's order.
    """
    count = len(batch.turns.episode)
    return np.bincount(batch.turn[batch.sampled], logprobs, minlength=count).astype(np.float64)


def total_loss(engine: Engine, batch: Batch, function: Callable[[Tensor], Tensor]) -> Loss:
    """A loss of turns' log-probabilities as `Engine.forward_backward` takes it.

    It holds for the weights as they are now: after a step it is to be made anew.

    Args:
        engine: Whose weights.
        batch: What was sampled.
        function: From `[K]`, the log-probability of each turn, to the loss, a scalar.
    """
    scored = engine.forward_backward(batch, None).logprobs.astype(np.float64)
    turns = torch.as_tensor(totals(batch, scored)).requires_grad_()
    value = function(turns)
    (by_turn,) = torch.autograd.grad(value, turns)
    turn: Ints = batch.turn[batch.sampled]
    by_token = by_turn[torch.as_tensor(turn)].float()
    each = float(value.detach()) / max(1, len(turn))

    def loss(scored: Scored) -> Tensor:
        device = scored.logprobs.device
        gradient = by_token[scored.places.cpu()].to(device)
        mine = scored.logprobs.new_tensor(each * len(scored.places))
        return known(mine, scored.logprobs, gradient)

    return loss
