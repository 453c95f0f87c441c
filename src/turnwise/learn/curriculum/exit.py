"""ExIt: a task space that grows from the policy's own partial solutions ("Bootstrapping Task Spaces for
Self-Improvement", arXiv:2509.04575).

A step plays base tasks and histories. After each group whose outcomes differ, one of its episodes, cut
behind the first turn that was new in it, becomes a start of its own, with the group's learnability as its
priority; so depth grows by one turn at a time, up to `depth`. What the paper does not tell (the shares, the
capacity, which episode of a group grows) are settings, or drawn at random.

It differs from the paper in that no turn asks for a different approach. `divergence_factors` is the paper's
weight for rare successes, for who trains on `advantages * factors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Self
from zlib import crc32

import msgspec
import numpy as np

from turnwise.learn.batch import Bools, Floats, Ints
from turnwise.learn.curriculum.buffer import Buffer, Entry, check_least, check_share, mixed
from turnwise.learn.curriculum.protocol import Curriculum, Draw, Group, Slot, Start, learnability


class ExIt(Curriculum, frozen=True, kw_only=True):
    """Base tasks, and histories sampled by learnability.

    Raises:
        ConfigError: for a share outside 0-1, or a number below 1.
    """

    fresh: float = 0.5
    """Share of groups that begin with a base task; all of them, while no history is known."""
    depth: int = 8
    """Most turns in a history that the policy said."""
    capacity: int = 1000
    """Most histories in the buffer."""
    turns: int | None = 1
    """Most turns of an episode: one, for environments that reward each turn; None plays on to the end."""
    buffer: Buffer | None = None

    def __post_init__(self) -> None:
        check_share("exit", "fresh", self.fresh)
        check_least("exit", depth=self.depth, capacity=self.capacity, turns=self.turns or 1)

    def draws(self, slot: Slot) -> list[Draw]:
        """Some histories, the rest base tasks."""
        drawn = mixed(slot, self.held, self.fresh)
        return [msgspec.structs.replace(draw, turns=self.turns) for draw in drawn]

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """With the histories' new priorities, and with those that grew."""
        buffer, rng = self.held, Random(f"{slot.seed}/exit/{slot.step}")
        new: list[Entry] = []
        for group in groups:
            entry = buffer.find(group.draw)
            priority = learnability(group.scores)
            if entry is not None:
                new.append(msgspec.structs.replace(entry, priority=priority))
            grown = grow(group, 0 if entry is None else entry.depth, priority, rng)
            if grown is not None and grown.depth <= self.depth:
                new.append(grown)
        return msgspec.structs.replace(self, buffer=buffer.add(*new))

    @property
    def held(self) -> Buffer:
        """The histories it holds now."""
        return self.buffer or Buffer(capacity=self.capacity)


def grow(group: Group, depth: int, priority: float, rng: Random) -> Entry | None:
    """The history of one of a group's episodes, longer by the first turn that was new in it.

    Args:
        group: What was played.
        depth: Turns of its start that the policy said.
        priority: Of the new start.
        rng: Draws the episode.

    Returns:
        None where none of them went on after its first turn.
    """
    longer = [
        (seen.episode, at)
        for seen in group.seen
        if seen.score is not None and (at := seen.turns[1] if len(seen.turns) > 1 else seen.cut) is not None
    ]
    if not longer:
        return None
    episode, at = rng.choice(longer)
    start = Start(episode=episode, at=at)
    parent = group.draw.start
    return Entry(task=group.draw.task, priority=priority, start=start, depth=depth + 1, parent=parent)


def bag_of_words(texts: Sequence[str], *, size: int = 256) -> Floats:
    """`[N, size]` Counts of each text's words, hashed, of length 1 each: an embedding that needs no model."""
    vectors = np.zeros((len(texts), size))
    for vector, text in zip(vectors, texts, strict=True):
        for word in text.lower().split():
            vector[crc32(word.encode(errors="replace")) % size] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def divergence_factors(vectors: Floats, group: Ints, success: Bools) -> Floats:
    """`[N]` By what an advantage is multiplied: `1 + d / max d` for successes, with d the distance to the
    group's centroid and the largest taken over the group; 1 for failures, and where all are alike.

    The paper's form is not public; this one is ours, and lies between 1 and 2.

    Args:
        vectors: `[N, D]` Embeddings of outputs, e.g. `bag_of_words`.
        group: `[N]` Numbers of the groups, 0 … G-1.
        success: `[N]` Which succeeded.
    """
    size = np.bincount(group)
    sums = np.zeros((len(size), vectors.shape[1]))
    np.add.at(sums, group, vectors)
    distance = np.linalg.norm(vectors - (sums / np.maximum(size, 1)[:, None])[group], axis=1)
    # What is alike differs by rounding alone.
    distance[distance < 1e-9] = 0.0
    largest = np.zeros(len(size))
    np.maximum.at(largest, group, distance)
    share = distance / np.where(largest > 0, largest, 1.0)[group]
    return np.where(success, 1.0 + share, 1.0)
