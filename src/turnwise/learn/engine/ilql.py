"""ILQL: a policy made better from stored episodes alone.

Snell et al. 2023, arXiv:2206.11871; as LMRL-Gym has it, Abdulhai et al. 2023, arXiv:2311.18232.

    learner = ILQL(engine)                  engine: a policy that has learned to say what the data say
    learner.learn(batch, steps=1000)        batch: episodes, of whomever, with their rewards
    agent = Agent(learner.player(beta=16))  plays as the data do, tilted to what they earned most by

Beside the head that says what the data say, the network has two that give Q of every token, a slow copy of
each, and one that gives V; what is minimised is `losses.ilql`. A turn may stand in a row of its own (a window
over the conversation): what a row leads to is the V of the row in which its episode goes on.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Floats, Ints
from turnwise.learn.credit.chains import chains
from turnwise.learn.engine import network
from turnwise.learn.engine.layout import micro_batches
from turnwise.learn.engine.local import LocalEngine
from turnwise.learn.engine.refusals import check_loss
from turnwise.learn.losses.ilql import ilql, steered
from turnwise.learn.tables import select_rows
from turnwise.models.hf.loading import adopt
from turnwise.models.hf.model import HFModel


class ILQLOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it learns; the defaults are LMRL-Gym's but for `lr`, which is for small networks."""

    lr: float = 1e-3
    """Learning rate of AdamW."""
    clip: float = 1.0
    """Greatest norm of a gradient."""
    discount: float = 0.99
    """γ, once a sampled token."""
    tau: float = 0.7
    """Expectile of V."""
    alpha: float = 0.01
    """Weight of the cross-entropy that keeps Q near the data."""
    polyak: float = 0.005
    """Share of the Q heads that goes into their slow copies after each step."""
    clone: float = 1.0
    """Weight of going on to learn what the data say."""


class Heads(nn.Module):
    """What is said of a token's state `[m, hidden]`.

    Args:
        words: The policy's own head.
        width: Of the hidden layer of the others.
    """

    def __init__(self, words: nn.Module, width: int) -> None:
        super().__init__()
        weight: Tensor = words.weight  # pyright: ignore[reportAssignmentType]
        tokens, hidden = weight.shape
        self.words = words
        self.q = nn.ModuleList(_head(hidden, width, tokens) for _ in range(2))
        self.slow = copy.deepcopy(self.q).requires_grad_(False)
        self.v = _head(hidden, width, 1)

    @torch.no_grad()
    def follow(self, share: float) -> None:
        """Move the slow copies by a share of the way to the Q heads."""
        for slow, quick in zip(self.slow.parameters(), self.q.parameters(), strict=True):
            slow.lerp_(quick, share)


class Steered(nn.Module):
    """The head to act by: the clone's logits plus β times the lower Q.

    Args:
        heads: Which.
        beta: β.
        support: The least probability by the clone of a token that may be said. What the data never say has a
            Q that was never learned.
    """

    def __init__(self, heads: Heads, beta: float, support: float) -> None:
        super().__init__()
        self.words, self.slow = heads.words, heads.slow
        self.beta, self.support = beta, support

    @property
    def weight(self) -> Tensor:
        """Of the clone's head, for its shape and type."""
        return self.words.weight  # pyright: ignore[reportReturnType]

    def forward(self, hidden: Tensor) -> Tensor:
        """`[..., tokens]` Logits."""
        words = self.words(hidden)
        every = steered(words, q=torch.stack([head(hidden) for head in self.slow]), beta=self.beta)
        chance = words.softmax(-1)
        least = torch.clamp(chance.amax(-1, keepdim=True), max=self.support)
        return every.masked_fill(chance < least, torch.finfo(every.dtype).min)


class ILQL:
    """See the module.

    Args:
        policy: Its network is copied; it should know already how the data talk.
        options: See there.
        seed: Of the new heads.
    """

    def __init__(self, policy: LocalEngine, options: ILQLOptions | None = None, *, seed: int = 0) -> None:
        self.options = options or ILQLOptions()
        self._sampling = policy.options.sampling
        module, tokenizer = copy.deepcopy(policy.module), policy.tokenizer
        words = module.get_output_embeddings()
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
            self.heads = Heads(words, 2 * words.weight.shape[1]).to(words.weight.device)
        module.config.tie_word_embeddings = False
        module.set_output_embeddings(nn.Identity())
        self._network = network.ready("ilql", adopt("hf/ilql", module, tokenizer))
        self._tokens = policy.options.tokens
        every = [*module.parameters(), *self.heads.parameters()]
        self._weights = [weight for weight in every if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(self._weights, lr=self.options.lr, weight_decay=0.0)

    def learn(
        self, batch: Batch, *, steps: int, rows: int = 32, seed: int = 0, among: Ints | None = None
    ) -> list[float]:
        """Learn from random rows of a batch.

        Args:
            batch: Episodes with their rewards, e.g. `imitation.demonstrations`.
            steps: Updates.
            rows: Rows of an update, besides those they lead to.
            seed: Of the choice of rows.
            among: Numbers of the rows to draw from, e.g. `distinct(batch)`; by default all.

        Returns:
            The loss of each step.

        Raises:
            ConfigError: there is nothing to learn from.
            TrainingError: a loss is no finite number.
        """
        if not batch.rows:
            raise ConfigError("there is nothing to learn from: none of the episodes has a word of the policy")
        draw, after = np.random.default_rng(seed), next_rows(batch)
        pool = np.arange(batch.rows) if among is None else among
        found: list[float] = []
        for _ in range(steps):
            chosen = np.sort(draw.choice(pool, size=min(rows, len(pool)), replace=False))
            last = self._beyond(batch, after[chosen])
            found.append(self._step(select_rows(batch, chosen), last))
        return found

    def player(self, *, beta: float = 16.0, support: float = 0.01) -> HFModel:
        """The policy as it is now, as a model.

        Args:
            beta: Weight of Q; 0 plays as the data do.
            support: See `Steered`.
        """
        module, heads = copy.deepcopy((self._network.module, self.heads))
        module.set_output_embeddings(Steered(heads, beta, support))
        return HFModel(
            "ilql", self._sampling, adopt("hf/ilql", module.eval(), self._network.loaded.tokenizer)
        )

    def values(self, batch: Batch) -> tuple[Floats, Floats]:
        """`[M]` The slow copies' lower Q of each sampled token, and V of the state before it."""
        count = int(batch.sampled.sum())
        q, v = np.zeros(count), np.zeros(count)
        with self._network.training(False):
            for micro in micro_batches(batch, self._tokens, "rectangles"):
                hidden = network.outputs(self._network, micro, self._device)
                target = torch.as_tensor(micro.target, device=self._device)[None, :, None]
                every = torch.stack([head(hidden) for head in self.heads.slow])
                q[micro.places] = every.gather(-1, target.expand(2, -1, 1))[..., 0].amin(0).cpu().numpy()
                v[micro.places] = self.heads.v(hidden)[:, 0].cpu().numpy()
        return q, v

    @property
    def _device(self) -> torch.device:
        return self._network.module.device

    def _beyond(self, batch: Batch, after: Ints) -> Floats:
        """`[r]` V where rows go on, in rows `after`; 0 where there are none (-1)."""
        found = np.zeros(len(after))
        needed = np.unique(after[after >= 0])
        if len(needed):
            ahead = select_rows(batch, needed)
            # The first sampled token of each row.
            _, first = np.unique(_rows(ahead), return_index=True)
            values = self.values(ahead)[1][first]
            found[after >= 0] = values[np.searchsorted(needed, after[after >= 0])]
        return found

    def _step(self, part: Batch, last: Floats) -> float:
        rewards, row = torch.as_tensor(token_rewards(part)), torch.as_tensor(_rows(part))
        behind, weight, total = torch.as_tensor(last), 1 / len(row), 0.0
        with self._network.training(True):
            for micro in micro_batches(part, self._tokens, "rectangles"):
                hidden = network.outputs(self._network, micro, self._device)
                target = torch.as_tensor(micro.target, device=self._device)
                places = torch.as_tensor(micro.places)
                given = rewards[places].to(hidden), row[places].to(hidden.device)
                loss = self._loss(hidden, target, *given, behind.to(hidden), weight)
                check_loss(float(loss.detach()))
                loss.backward()  # pyright: ignore[reportUnknownMemberType]
                total += float(loss.detach())
        nn.utils.clip_grad_norm_(self._weights, self.options.clip)
        self._optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        self._optimizer.zero_grad()
        self.heads.follow(self.options.polyak)
        return total

    def _loss(
        self, hidden: Tensor, target: Tensor, rewards: Tensor, row: Tensor, last: Tensor, weight: float
    ) -> Tensor:
        """Of `m` sampled tokens: ILQL's, and the clone's."""
        heads, options = self.heads, self.options
        every = torch.stack([head(hidden) for head in heads.q])
        with torch.no_grad():
            slow = torch.stack([head(hidden) for head in heads.slow])
        taken = target[None, :, None].expand(2, -1, 1)
        weights = torch.full_like(rewards, weight)
        found = ilql(
            every.gather(-1, taken)[..., 0],
            v=heads.v(hidden)[:, 0],
            q_target=slow.gather(-1, taken)[..., 0],
            rewards=rewards,
            cross_entropy=-every.log_softmax(-1).gather(-1, taken)[..., 0],
            row=row,
            weights=weights,
            last=last,
            discount=options.discount,
            tau=options.tau,
            alpha=options.alpha,
        )
        # The clone's head follows the network, but does not lead it: what a player at random says next has a
        # gradient of nothing but noise, in which that of values would be lost.
        said = functional.cross_entropy(heads.words(hidden.detach()), target, reduction="sum")
        return found + options.clone * weight * said


def next_rows(batch: Batch) -> Ints:
    """`[R]` The row in which the episode of each row goes on, by the same role; -1 where it does not."""
    chain, _, _ = chains(batch.turns)
    order = np.argsort(chain, kind="stable")
    here, there = batch.turn_row[order[:-1]], batch.turn_row[order[1:]]
    on = (chain[order[:-1]] == chain[order[1:]]) & (here != there)
    after = np.full(batch.rows, -1, dtype=np.int64)
    after[here[on]] = there[on]
    return after


def distinct(batch: Batch) -> Ints:
    """The first of all rows that are alike: the same tokens and rewards, and the same prompt in the row that
    follows. In a small world, data of many steps are few of these; drawn from, each counts the same."""
    after, found = next_rows(batch), dict[tuple[bytes, bytes, bytes], int]()
    starts: list[int] = batch.row_start.tolist()
    spans = list(pairwise(starts))
    prompts: list[bytes] = []
    for start, end in spans:
        said = start + int(batch.sampled[start:end].argmax())
        prompts.append(batch.ids[start:said].tobytes())
    order = np.argsort(batch.turn_row, kind="stable")
    ends = np.searchsorted(batch.turn_row[order], np.arange(batch.rows + 1))
    for row, (start, end) in enumerate(spans):
        rewards = batch.turns.reward[order[ends[row] : ends[row + 1]]].tobytes()
        ahead = int(after[row])
        following = prompts[ahead] if ahead >= 0 else b""
        found.setdefault((batch.ids[start:end].tobytes(), rewards, following), row)
    return np.array(sorted(found.values()), dtype=np.int64)


def token_rewards(batch: Batch) -> Floats:
    """`[M]` Rewards of sampled tokens: a turn's stands with its last."""
    turn = batch.turn[batch.sampled]
    ends = np.append(turn[1:] != turn[:-1], True)
    return np.where(ends, batch.turns.reward[turn], 0.0)


def _rows(batch: Batch) -> Ints:
    """`[M]` Row of each sampled token."""
    return batch.turn_row[batch.turn[batch.sampled]]


def _head(inputs: int, width: int, outputs: int) -> Any:
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, outputs))
