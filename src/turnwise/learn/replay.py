"""A replay buffer of single turns, for learning off-policy: state, utterance, reward, what followed.

A state is the tokens of everything before the turn; what followed is those before the role's next turn, or
nothing, where the episode had come to its end. So a turn that was stored once can be learned from, and the
policy asked what it would say there now, without playing it again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from turnwise.learn.batch import Batch, Turns
from turnwise.learn.credit.chains import chains
from turnwise.learn.engine.protocol import Drawn

Ids: TypeAlias = npt.NDArray[np.int32]


class Transition(NamedTuple):
    """One turn."""

    state: Ids
    said: Ids
    reward: float
    after: Ids | None
    """The state in which the role spoke next; None where it did not."""


def transitions(batch: Batch) -> list[Transition]:
    """The turns of a batch, in its order."""
    starts, ends = _spans(batch)
    rows = batch.row_start[batch.turn_row]
    states = [batch.ids[row:start] for row, start in zip(rows, starts, strict=True)]
    chain, _, _ = chains(batch.turns)
    order = np.argsort(chain, kind="stable")
    following: list[Ids | None] = [None] * len(states)
    for this, later in pairwise(order.tolist()):
        if chain[this] == chain[later]:
            following[this] = states[later]
    return [
        Transition(state, batch.ids[start:end], float(reward), after)
        for state, start, end, reward, after in zip(
            states, starts, ends, batch.turns.reward, following, strict=True
        )
    ]


def _spans(batch: Batch) -> tuple[list[int], list[int]]:
    """First token of each turn, and the one behind its last."""
    where = np.flatnonzero(batch.sampled)
    order = np.argsort(batch.turn[where], kind="stable")
    first = np.searchsorted(batch.turn[where][order], np.arange(len(batch.turns.episode)))
    starts = where[order][first]
    return starts.tolist(), (starts + batch.turns.tokens).tolist()


class Replay:
    """The last turns that were played.

    Args:
        size: How many; older ones are forgotten.
    """

    def __init__(self, size: int = 100_000) -> None:
        self.size = size
        self._kept: list[Transition] = []
        self._next = 0

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, batch: Batch) -> None:
        """Take in the turns of a batch."""
        for one in transitions(batch):
            if len(self._kept) < self.size:
                self._kept.append(one)
            else:
                self._kept[self._next] = one
            self._next = (self._next + 1) % self.size

    def draw(self, count: int, rng: random.Random) -> list[Transition]:
        """`count` random turns, with replacement."""
        return rng.choices(self._kept, k=count)


def spoken(states: Sequence[Ids], drawn: Sequence[Drawn]) -> Batch:
    """What was said in some states as a batch, each an episode of one turn that nobody rewarded.

    Args:
        states: What was fed.
        drawn: What was sampled behind each (`Engine.sample`).
    """
    count = len(states)
    lengths = np.array([len(one.tokens) for one in drawn], dtype=np.int64)
    before = np.array([len(state) for state in states], dtype=np.int64)
    turn = np.full(int(lengths.sum() + before.sum()), -1, dtype=np.int64)
    logprobs = np.zeros(len(turn), dtype=np.float32)
    ends = np.cumsum(before + lengths)
    for number, (one, end) in enumerate(zip(drawn, ends, strict=True)):
        place = slice(end - len(one.tokens), end)
        turn[place], logprobs[place] = number, one.logprobs
    parts = [part for state, one in zip(states, drawn, strict=True) for part in (state, one.tokens)]
    each, none = np.arange(count), np.zeros(count)
    turns = Turns(
        episode=each,
        group=each,
        reward=none,
        index=np.zeros_like(each),
        role=np.zeros_like(each),
        tokens=lengths,
    )
    return Batch(
        ids=np.concatenate(parts).astype(np.int32),
        row_start=np.append(0, ends),
        sampled=turn >= 0,
        logprobs=logprobs,
        turn=turn,
        turns=turns,
        turn_row=each,
        turn_version=np.full(count, -1, dtype=np.int64),
        outcome=none,
        truncated=np.array([one.finish == "length" for one in drawn], dtype=np.bool_),
    )
