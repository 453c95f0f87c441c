"""ArCHer's critic of whole utterances, and one iteration of what it and its actor do with a replay buffer.

Zhou et al., "ArCHer: training language model agents via hierarchical multi-turn RL", 2024. Two Q and two V,
each with a slowly following copy: what a turn is worth in its state, and what the state is. Where the paper
has an encoder of its own for state and utterance, here the policy's own network reads them one behind the
other: the state is its last hidden vector before the utterance, the utterance that at its end.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from turnwise.errors import CapabilityError
from turnwise.learn.engine.local import LocalEngine
from turnwise.learn.engine.protocol import Drawn, Engine, Loss, Scored
from turnwise.learn.losses import archer
from turnwise.learn.replay import Ids, Replay, Transition, spoken
from turnwise.model import Sampling


class Values(NamedTuple):
    """What two heads each say of utterances and of the states they were said in."""

    action: Tensor
    """`[2, N]` Q."""
    state: Tensor
    """`[2, N]` V."""


class UtteranceCritic:
    """See the module.

    Args:
        policy: Its network is copied for a start, so that it must be in this process.
        context: Most tokens that are read of a state with its utterance, the last ones.
        lr: Learning rate of Adam.
        rate: How far the copy follows at each step.
        discount: γ, once a turn.
        seed: Of the heads' first weights.

    Raises:
        CapabilityError: the policy is elsewhere.
    """

    def __init__(
        self,
        policy: Engine,
        *,
        context: int = 512,
        lr: float = 2e-5,
        rate: float = 0.1,
        discount: float = 0.95,
        seed: int = 0,
    ) -> None:
        if not isinstance(policy, LocalEngine):
            raise CapabilityError("a critic needs the policy's network in this process: use the local engine")
        reads: Any = copy.deepcopy(policy.module.base_model)
        self._live = _Heads(reads, int(policy.module.config.hidden_size), seed)
        self._live.requires_grad_(True)
        self._target = copy.deepcopy(self._live).requires_grad_(False)
        self._optimizer = torch.optim.Adam(self._live.parameters(), lr=lr)
        self.context, self.rate, self.discount = context, rate, discount

    @torch.no_grad()
    def values(self, states: Sequence[Ids], said: Sequence[Sequence[int] | Ids]) -> Values:
        """What the live heads say."""
        return self._live(self._rows(states, said))

    def learn(
        self, turns: Sequence[Transition], says: Sequence[Sequence[int]], *, clip: float = 1.0
    ) -> float:
        """One step: Q towards r + γ·V̄(s'), V towards Q̄ of what the policy says there now.

        Args:
            turns: From the buffer.
            says: For each, an utterance that the policy of now samples in its state.
            clip: Greatest norm of the gradient.

        Returns:
            The loss before the step.
        """
        states = [turn.state for turn in turns]
        followed = [number for number, turn in enumerate(turns) if turn.after is not None]
        reward = torch.tensor([turn.reward for turn in turns])
        with torch.no_grad():
            now = self._target(self._rows(states, says)).action
            then = torch.zeros(2, len(turns))
            if followed:
                after = [turn.after for turn in turns if turn.after is not None]
                then[:, followed] = self._target(self._rows(after, [()] * len(after))).state
        done = torch.tensor([turn.after is None for turn in turns])
        found = self._live(self._rows(states, [turn.said for turn in turns]))
        loss = archer.critic(
            found.action,
            state_values=found.state,
            action_targets=archer.targets(reward, next_value=then, done=done, discount=self.discount),
            state_targets=now,
        )
        self._optimizer.zero_grad()
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        nn.utils.clip_grad_norm_(self._live.parameters(), clip)
        self._optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        archer.follow(self._target.parameters(), self._live.parameters(), rate=self.rate)
        return float(loss.detach())

    def _rows(self, states: Sequence[Ids], said: Sequence[Sequence[int] | Ids]) -> _Rows:
        """States with their utterances, cut on the left and padded on the right, where nobody looks."""
        rows = [np.concatenate([state, np.asarray(words, dtype=np.int32)])[-self.context :]
                for state, words in zip(states, said, strict=True)]  # fmt: skip
        lengths = np.array([len(row) for row in rows])
        ids = np.zeros((len(rows), int(lengths.max())), dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
        spoken_for = np.array([len(words) for words in said])
        begins = np.maximum(0, lengths - spoken_for - 1)
        return _Rows(*(torch.as_tensor(array) for array in (ids, begins, lengths - 1)))


class _Rows(NamedTuple):
    ids: Tensor
    """`[N, width]`"""
    state: Tensor
    """`[N]` Place of the last token before the utterance."""
    end: Tensor
    """`[N]` Place of the last token."""


class _Heads(nn.Module):
    def __init__(self, reads: Any, width: int, seed: int) -> None:
        super().__init__()
        self.reads = reads
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
            self.action = nn.ModuleList(_head(2 * width, width) for _ in range(2))
            self.state = nn.ModuleList(_head(width, width) for _ in range(2))

    def forward(self, rows: _Rows) -> Values:
        hidden: Tensor = self.reads(input_ids=rows.ids, use_cache=False).last_hidden_state
        each = torch.arange(len(rows.ids))
        state, end = hidden[each, rows.state], hidden[each, rows.end]
        both = torch.cat([state, end], dim=-1)
        return Values(
            torch.stack([head(both)[:, 0] for head in self.action]),
            torch.stack([head(state)[:, 0] for head in self.state]),
        )


def _head(width: int, hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )


async def said_now(engine: Engine, states: Sequence[Ids], sampling: Sampling, *, seed: str) -> list[Drawn]:
    """What the policy says in each state now."""
    found = await asyncio.gather(
        *(
            engine.sample(state.tolist(), sampling, seed=f"{seed}/{number}")
            for number, state in enumerate(states)
        )
    )
    return [one for (one,) in found]


async def archer_step(
    engine: Engine,
    critic: UtteranceCritic,
    replay: Replay,
    sampling: Sampling,
    *,
    states: int,
    updates: int,
    batch: int,
    lr: float,
    seed: str,
    actor: bool = True,
) -> dict[str, float]:
    """One iteration: the critic learns from turns of the buffer, then the policy from what it says there now.

    Args:
        engine: The policy.
        critic: Its critic.
        replay: What was played so far.
        sampling: How the policy samples, its temperature and its longest reply.
        states: Turns drawn from the buffer, in each of which the policy is asked once.
        updates: Steps of the critic.
        batch: Turns of each.
        lr: Learning rate of the policy.
        seed: Of all draws.
        actor: Whether the policy learns: not before the critic knows something.

    Returns:
        `critic_loss`, `advantage` (the mean), and what the engine tells of its step.
    """
    rng = random.Random(seed)
    drawn = replay.draw(states, rng)
    says = await said_now(engine, [turn.state for turn in drawn], sampling, seed=seed)
    losses: list[float] = []
    for _ in range(updates):
        some = rng.sample(range(states), min(batch, states))
        losses.append(critic.learn([drawn[n] for n in some], [says[n].tokens for n in some]))
    told = {"critic_loss": float(np.mean(losses)) if losses else 0.0}
    if not actor:
        return told
    where = [turn.state for turn in drawn]
    found = critic.values(where, [one.tokens for one in says])
    advantages = archer.advantage(found.action, state_values=found.state)
    said = spoken(where, says)
    engine.forward_backward(said, _actor_loss(advantages, said.turn[said.sampled]))
    return told | {"advantage": float(advantages.mean())} | engine.optim_step(lr=lr, clip=1.0)


def _actor_loss(advantages: Tensor, turn: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Loss:
    """The policy gradient of utterances, each as likely as any other."""
    by_token = advantages[torch.as_tensor(turn)]
    weight = 1 / len(advantages)

    def loss(scored: Scored) -> Tensor:
        mine = by_token[scored.places]
        return archer.actor(scored.logprobs, advantages=mine, weights=torch.full_like(mine, weight))

    return loss
