"""REFUEL's pairs: two futures from a turn that the policy itself came to, and the regression on them.

Gao et al., "Regressing the relative future: efficient policy optimization for multi-turn RLHF", 2024. Of each
episode a turn is drawn at random; the episode is played anew from there. Prefixes are thus the policy's own,
not a data set's, and the difference of the two outcomes tells what the two turns are worth.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from turnwise.learn.batch import Batch, Ints
from turnwise.learn.engine.protocol import Engine, Loss
from turnwise.learn.playing import Play
from turnwise.learn.rows import batch_of
from turnwise.log import EpisodeLog

if TYPE_CHECKING:
    from torch import Tensor


class Futures(NamedTuple):
    """Two episodes that are one up to a turn."""

    first: EpisodeLog
    second: EpisodeLog
    at: int
    """Index of the first turn that they do not share."""


class Pairs(NamedTuple):
    """Pairs of turns in a batch."""

    batch: Batch
    """All turns of both episodes of each pair, but of the second one only those that were played anew."""
    first: Ints
    """`[P]` The turn that was drawn, in the first episode."""
    second: Ints
    """`[P]` The turn in its place in the second."""


async def futures(play: Play, logs: Sequence[EpisodeLog], *, seed: int | str) -> list[Futures]:
    """Play each episode anew from one of its turns, each turn being as likely.

    Args:
        play: Who plays; the policy must be the one that played the episodes.
        logs: The first episodes; those in which it said nothing are left out.
        seed: Of the choice of turns.
    """
    draw = random.Random(seed)
    said = [[turn.index for turn in log.turns if turn.role == play.role and turn.calls] for log in logs]
    places = [(log, draw.choice(turns)) for log, turns in zip(logs, said, strict=True) if turns]
    others = await play.anew(places)
    return [Futures(log, other, at) for (log, at), other in zip(places, others, strict=True)]


def paired(found: Sequence[Futures], *, role: str) -> Pairs:
    """Futures as a batch; where one of the two has no score, the pair is left out.

    Args:
        found: From `futures`.
        role: Who is trained.
    """
    logs = [*(pair.first for pair in found), *(pair.second for pair in found)]
    batch = batch_of(logs, roles=role).batch
    assert batch.turn_at is not None
    # Episodes are named by their number in what was given.
    number = np.array([int(name) for name in batch.names], dtype=np.int64)[batch.turns.episode]
    turns = {
        (int(which), int(at)): k for k, (which, at) in enumerate(zip(number, batch.turn_at, strict=True))
    }
    both = [(turns.get((n, pair.at)), turns.get((n + len(found), pair.at))) for n, pair in enumerate(found)]
    whole = [(one, other) for one, other in both if one is not None and other is not None]
    first, second = np.array(whole, dtype=np.int64).reshape(-1, 2).T
    return Pairs(batch, first, second)


def refuel_loss(engine: Engine, pairs: Pairs, *, eta: float = 1.0) -> Loss:
    """REFUEL's loss on pairs, for the weights as they are now (`total_loss`); see `losses.refuel`.

    Args:
        engine: Whose policy learns.
        pairs: What of.
        eta: η, how many nats a unit of reward is worth.
    """
    import torch

    from turnwise.learn.engine.totals import total_loss, totals
    from turnwise.learn.losses.refuel import refuel

    batch = pairs.batch
    old = torch.as_tensor(totals(batch, batch.logprobs[batch.sampled].astype(np.float64)))
    outcome = torch.as_tensor(batch.outcome)[torch.as_tensor(batch.turns.episode)]
    first, second = torch.as_tensor(pairs.first), torch.as_tensor(pairs.second)

    def regression(turns: Tensor) -> Tensor:
        return refuel(
            turns[first],
            rejected=turns[second],
            chosen_old=old[first],
            rejected_old=old[second],
            chosen_reward=outcome[first],
            rejected_reward=outcome[second],
            eta=eta,
        )

    return total_loss(engine, batch, regression)
