"""What a run shall play, and with which seeds: every task in every epoch, numbered.

A seed follows from the run's seed, the task's id and the epoch alone, so neither the order in which episodes
happen to run nor the other tasks of the run have a part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from turnwise.task import Task, TaskSet


class Item(NamedTuple):
    """One episode to play."""

    number: int
    task: Task
    epoch: int
    seed: int


class Plan:
    """Every task of a set in every epoch; number `epoch * len(tasks) + place of the task`."""

    def __init__(self, tasks: TaskSet, *, epochs: int = 1, seed: int = 0) -> None:
        self.tasks = tasks
        self.epochs = epochs
        self.seed = seed

    def __len__(self) -> int:
        return len(self.tasks) * self.epochs

    def __iter__(self) -> Iterator[Item]:
        return (self.item(number) for number in range(len(self)))

    def item(self, number: int) -> Item:
        """The episode of this number."""
        epoch, place = divmod(number, len(self.tasks))
        task: Task = self.tasks[place]
        return Item(number, task, epoch, seed_of(self.seed, task.id, epoch))


def seed_of(seed: int, task: str, epoch: int) -> int:
    """The seed of one episode: 63 bits of BLAKE2b over run seed, task id and epoch."""
    digest = blake2b(f"{seed}\0{task}\0{epoch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
