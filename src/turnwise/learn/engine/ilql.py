"""ILQL: a policy made better from stored episodes alone.

Snell et al. 2023, arXiv:2206.11871; as LMRL-Gym has it, Abdulhai et al. 2023, arXiv:2311.18232.

    learner = ILQL(engine)                  engine: a policy that has learned to say what the data say
    learner.learn(batch, steps=1000)        batch: episodes, of whomever, with their rewards
    agent = Agent(learner.player(beta=16))  plays as the data do, tilted to what they earned most by

Three networks are all copies of that policy at first. One stays as it is: it says what the data say, and is
steered (`steered.Steered`). One learns, with two heads that give Q of every token and one that gives V: what
is minimised is `losses.ilql`, which leaves of the policy in it whatever serves Q. One follows that slowly,
and gives the Q that V is learned from and that is acted by. A turn may stand in a row of its own (a window
over the conversation): what a row leads to is the V of the row in which its episode goes on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from turnwise.errors import ConfigError
from turnwise.learn.batch import Batch, Floats, Ints
from turnwise.learn.credit.chains import chains
from turnwise.learn.engine import network
from turnwise.learn.engine.layout import Micro, micro_batches
from turnwise.learn.engine.local import LocalEngine
from turnwise.learn.engine.refusals import check_loss
from turnwise.learn.engine.steered import Steered
from turnwise.learn.losses.ilql import ilql
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
    """Share of the network that learns which goes into its slow copy after each step."""


class Heads(nn.Module):
    """What is said of a token's state `[..., hidden]`: Q of every token by two heads, and V.

    Args:
        hidden: Width of a state.
        width: Of the hidden layer of each head.
        tokens: How many there are.
    """

    def __init__(self, hidden: int, width: int, tokens: int) -> None:
        super().__init__()
        self.q = nn.ModuleList(_head(hidden, width, tokens) for _ in range(2))
        self.v = _head(hidden, width, 1)

    def forward(self, state: Tensor) -> Tensor:
        """`[..., 2 * tokens]` Q of both heads, side by side."""
        return torch.cat([head(state.float()) for head in self.q], dim=-1)

    def value(self, state: Tensor) -> Tensor:
        """`[...]` V."""
        return self.v(state.float())[..., 0]


class Valued(NamedTuple):
    """A network that ends in heads for Q and V instead of its own."""

    network: network.Network
    heads: Heads

    @classmethod
    def of(cls, policy: Any, tokenizer: Any) -> Valued:
        """A copy of a policy, with new heads.

        Args:
            policy: A `transformers.PreTrainedModel`.
            tokenizer: Its tokenizer.
        """
        words: Tensor = policy.get_output_embeddings().weight
        tokens, hidden = words.shape
        module = copy.deepcopy(policy)
        module.config.tie_word_embeddings = False
        module.set_output_embeddings(nn.Identity())
        heads = Heads(hidden, 2 * hidden, tokens).to(words.device)
        return cls(network.ready("ilql", adopt("hf/ilql", module, tokenizer)), heads)

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self.network.module.device

    def weights(self) -> list[nn.Parameter]:
        """All that is trained."""
        every = [*self.network.module.parameters(), *self.heads.parameters()]
        return [weight for weight in every if weight.requires_grad]

    def copied(self) -> Valued:
        """A copy that is not trained."""
        module, heads = copy.deepcopy((self.network.module, self.heads))
        loaded = self.network.loaded._replace(model=module.requires_grad_(False))
        head = module.get_output_embeddings()
        return Valued(self.network._replace(loaded=loaded, head=head), heads.requires_grad_(False))

    @torch.no_grad()
    def follow(self, other: Valued, share: float) -> None:
        """Move a share of the way to another."""
        for mine, theirs in zip(self._modules(), other._modules(), strict=True):
            for slow, quick in zip(mine.parameters(), theirs.parameters(), strict=True):
                slow.lerp_(quick, share)

    def states(self, micro: Micro) -> Tensor:
        """`[m, hidden]` Where sampled tokens are predicted."""
        return network.outputs(self.network, micro, self.device)

    def _modules(self) -> tuple[nn.Module, nn.Module]:
        return self.network.module, self.heads


class ILQL:
    """See the module.

    Args:
        policy: Its network is copied, and left alone; it should know already how the data talk.
        options: See there.
        seed: Of the new heads.
    """

    def __init__(self, policy: LocalEngine, options: ILQLOptions | None = None, *, seed: int = 0) -> None:
        self.options = options or ILQLOptions()
        self._sampling, self._tokens = policy.options.sampling, policy.options.tokens
        self._policy = copy.deepcopy(policy.module).requires_grad_(False)
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]
            torch.manual_seed(seed)  # pyright: ignore[reportUnknownMemberType]
            self._quick = Valued.of(policy.module, policy.tokenizer)
        self._slow = self._quick.copied()
        self._weights = self._quick.weights()
        # As LMRL-Gym's: targets move, so what gradients were long ago says little of what they are now.
        self._optimizer = torch.optim.AdamW(
            self._weights, lr=self.options.lr, betas=(0.9, 0.95), weight_decay=0.0
        )

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
        """The policy it began with, steered by Q as it is now, as a model.

        Args:
            beta: Weight of Q; 0 plays as the data do.
            support: See `Steered`.
        """
        module, heads = copy.deepcopy((self._slow.network.module, self._slow.heads))
        module.set_output_embeddings(heads)
        both = Steered(self._policy, module, beta=beta, support=support).eval()
        return HFModel("ilql", self._sampling, adopt("hf/ilql", both, self._slow.network.loaded.tokenizer))

    def values(self, batch: Batch) -> tuple[Floats, Floats]:
        """`[M]` The slow network's lower Q of each sampled token, and V of the state before it."""
        quick, slow = self._quick, self._slow
        q = self._read(batch, lambda micro: _taken(slow.heads(slow.states(micro)), micro).amin(0))
        return q, self._read(batch, lambda micro: quick.heads.value(quick.states(micro)))

    def _read(self, batch: Batch, said: Callable[[Micro], Tensor]) -> Floats:
        """`[M]` What is said of sampled tokens, from what is said of those of a micro-batch."""
        found = np.zeros(int(batch.sampled.sum()))
        with torch.no_grad():
            for micro in micro_batches(batch, self._tokens, "rectangles"):
                found[micro.places] = said(micro).float().cpu().numpy()
        return found

    def _beyond(self, batch: Batch, after: Ints) -> Floats:
        """`[r]` V where rows go on, in rows `after`; 0 where there are none (-1)."""
        found = np.zeros(len(after))
        needed = np.unique(after[after >= 0])
        if len(needed):
            ahead, quick = select_rows(batch, needed), self._quick
            # The first sampled token of each row.
            _, first = np.unique(_rows(ahead), return_index=True)
            values = self._read(ahead, lambda micro: quick.heads.value(quick.states(micro)))[first]
            found[after >= 0] = values[np.searchsorted(needed, after[after >= 0])]
        return found

    def _step(self, part: Batch, last: Floats) -> float:
        rewards, row, behind = (torch.as_tensor(each) for each in (token_rewards(part), _rows(part), last))
        total = 0.0
        with self._quick.network.training(True):
            for micro in micro_batches(part, self._tokens, "rectangles"):
                places = torch.as_tensor(micro.places)
                loss = self._loss(micro, rewards[places], row[places], behind, 1 / len(row))
                check_loss(float(loss.detach()))
                loss.backward()  # pyright: ignore[reportUnknownMemberType]
                total += float(loss.detach())
        nn.utils.clip_grad_norm_(self._weights, self.options.clip)
        self._optimizer.step()  # pyright: ignore[reportUnknownMemberType]
        self._optimizer.zero_grad()
        self._slow.follow(self._quick, self.options.polyak)
        return total

    def _loss(self, micro: Micro, rewards: Tensor, row: Tensor, last: Tensor, weight: float) -> Tensor:
        """Of the `m` sampled tokens of a micro-batch; see `losses.ilql`."""
        quick, slow, options = self._quick, self._slow, self.options
        state = quick.states(micro)
        every = quick.heads(state)
        with torch.no_grad():
            target = _taken(slow.heads(slow.states(micro)), micro)
        each = every.unflatten(-1, (2, -1)).log_softmax(-1).flatten(-2)
        return ilql(
            _taken(every, micro),
            v=quick.heads.value(state),
            q_target=target,
            rewards=rewards.to(target),
            cross_entropy=-_taken(each, micro),
            row=row.to(state.device),
            weights=torch.full_like(target[0], weight),
            last=last.to(target),
            discount=options.discount,
            tau=options.tau,
            alpha=options.alpha,
        )


def _taken(both: Tensor, micro: Micro) -> Tensor:
    """`[2, m]` Of what two heads say of all tokens, `[m, 2 * tokens]`, that of the one which was sampled."""
    target = torch.as_tensor(micro.target, device=both.device)[None, :, None]
    return torch.stack(both.chunk(2, dim=-1)).gather(-1, target.expand(2, -1, 1))[..., 0]


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
