"""Learning from which of a policy's own episodes were better: pairs and losses of M-DPO, M-KTO and RISE.

An iteration plays episodes with the policy as it is, chooses what is compared, and takes some steps:

    batch = batch_of(run).batch
    better, worse = pairs(batch.outcome >= 1, batch.turns.group, seed=iteration)
    before = reference(batch)                    # the policy that played; or one that stays, by `totals`
    loss = dpo_loss(engine, batch, better=better, worse=worse, reference=before)
    engine.forward_backward(batch, loss), engine.optim_step(lr=1e-4, clip=1.0)

A loss holds for the weights as they are now; after a step it is to be made anew. Only what the policy said is
summed; what tools, users and worlds said is conditioned on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Bools, Floats, Ints
from turnwise.learn.engine.protocol import Engine, Loss

if TYPE_CHECKING:
    from torch import Tensor


def pairs(good: Bools, group: Ints, *, seed: int) -> tuple[Ints, Ints]:
    """`[P]`, `[P]` A random good and a random bad episode of each group that has both (Xiong et al., 2024).

    Args:
        good: `[E]` Whether each episode was verified to be right.
        group: `[E]` Group of each: episodes of one task.
        seed: Of the choice.
    """
    draw = np.random.default_rng(seed)
    better: list[int] = []
    worse: list[int] = []
    for number in np.unique(group):
        mine = group == number
        if (mine & good).any() and (mine & ~good).any():
            better.append(int(draw.choice(np.flatnonzero(mine & good))))
            worse.append(int(draw.choice(np.flatnonzero(mine & ~good))))
    return np.array(better, dtype=np.int64), np.array(worse, dtype=np.int64)


def reference(batch: Batch) -> Floats:
    """`[E]` The log-probability of each episode for the policy that played it.

    Raises:
        ConfigError: that is not known of every token.
    """
    logprobs = batch.logprobs[batch.sampled].astype(np.float64)
    if not np.isfinite(logprobs).all():
        raise ConfigError("no reference: some tokens come without log-probabilities; score them by an engine")
    return _by_episode(batch, logprobs)


def scored(engine: Engine, batch: Batch) -> Floats:
    """`[E]` The log-probability of each episode for an engine's weights."""
    return _by_episode(batch, engine.forward_backward(batch, None).logprobs.astype(np.float64))


def dpo_loss(
    engine: Engine, batch: Batch, *, better: Ints, worse: Ints, reference: Floats, beta: float = 0.1
) -> Loss:
    """M-DPO's loss on pairs of episodes; see `losses.dpo`.

    Args:
        engine: Whose policy learns.
        batch: Episodes of the pairs, and others, which are not learned from.
        better: `[P]` Number of the better episode of each pair.
        worse: `[P]` And of the worse.
        reference: `[E]` Log-probability of each episode for the policy to stay near to.
        beta: How strongly that holds.
    """
    import torch

    from turnwise.learn.losses.dpo import dpo

    first, second, near = (torch.as_tensor(one) for one in (better, worse, reference))

    def loss(episodes: Tensor) -> Tensor:
        return dpo(
            episodes[first],
            rejected=episodes[second],
            chosen_reference=near[first],
            rejected_reference=near[second],
            beta=beta,
        )

    return _episode_loss(engine, batch, loss)


def kto_loss(engine: Engine, batch: Batch, *, good: Bools, reference: Floats, beta: float = 0.1) -> Loss:
    """M-KTO's loss on episodes that were good or bad; see `losses.kto`.

    The two kinds weigh the same in all. The divergence is taken over the batch's own episodes, not below 0,
    in place of replies to other prompts.

    Args:
        engine: Whose policy learns.
        batch: Its episodes.
        good: `[E]` Which were.
        reference: `[E]` See `dpo_loss`.
        beta: Likewise.
    """
    import torch

    from turnwise.learn.losses.kto import kto, mismatched

    right, near = torch.as_tensor(good), torch.as_tensor(reference)
    count = len(good)
    shares = [count / (2 * max(1, int(kind.sum()))) for kind in (good, ~good)]

    def loss(episodes: Tensor) -> Tensor:
        return kto(
            episodes,
            reference=near,
            good=right,
            divergence=mismatched(episodes, reference=near),
            beta=beta,
            weight_good=shares[0],
            weight_bad=shares[1],
        )

    return _episode_loss(engine, batch, loss)


def rise_loss(engine: Engine, batch: Batch, *, reward: Floats, temperature: float = 0.4) -> Loss:
    """RISE's loss: imitation of the batch's turns, weighted by exp(reward / τ); see `losses.rise`.

    Args:
        engine: Whose policy learns.
        batch: Histories, of which the turns to be learned are sampled.
        reward: `[K]` Of each turn.
        temperature: τ.
    """
    import torch

    from turnwise.learn.engine.totals import total_loss

    weight = np.exp(reward / temperature) / np.maximum(1, batch.turns.tokens) / max(1, len(reward))
    weights = torch.as_tensor(weight)
    return total_loss(engine, batch, lambda turns: -(weights * turns).sum())


def improved(rewards: Floats) -> list[int]:
    """Which attempts of an episode RISE imitates, by its rule `better`: the first, and each that is worth
    more than the one before; none after the first that is right.

    Args:
        rewards: `[T]` Of each attempt, 1 where it is right.
    """
    right = np.flatnonzero(rewards >= 1)
    last = int(right[0]) if len(right) else len(rewards) - 1
    return [place for place in range(last + 1) if place == 0 or rewards[place] > rewards[place - 1]]


def _episode_loss(engine: Engine, batch: Batch, function: Callable[[Tensor], Tensor]) -> Loss:
    """A loss of episodes' log-probabilities `[E]`."""
    import torch

    from turnwise.learn.engine.totals import total_loss

    episode = torch.as_tensor(batch.turns.episode)
    count = len(batch.turns.group)

    def loss(turns: Tensor) -> Tensor:
        return function(turns.new_zeros(count).index_add(0, episode, turns))

    return total_loss(engine, batch, loss)


def _by_episode(batch: Batch, logprobs: Floats) -> Floats:
    episode = batch.turns.episode[batch.turn[batch.sampled]]
    return np.bincount(episode, weights=logprobs, minlength=len(batch.turns.group)).astype(np.float64)
