"""A prioritised task buffer: what is most worth playing again, drawn in proportion to its priority.

`Prioritised` plays tasks from it next to fresh ones. The priority is learnability, the variance of a group's
outcomes when it was last played, after prioritised level replay (Jiang et al. 2021, arXiv:2010.03934, which
ranks by the size of value errors instead).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Self

import msgspec

from turnwise.errors import ConfigError
from turnwise.learn.curriculum.protocol import Curriculum, Draw, Group, Slot, Start, learnability
from turnwise.wire import Record


class Entry(Record, frozen=True, kw_only=True):
    """Something that can be played."""

    task: str
    priority: float
    start: Start | None = None
    """Where it begins; None is the task's beginning."""
    depth: int = 0
    """How many turns of histories led to its start."""
    parent: Start | None = None
    """The start that it grew from."""

    def draw(self, count: int) -> Draw:
        """It, so many times."""
        return Draw(task=self.task, count=count, start=self.start)


class Buffer(Record, frozen=True, kw_only=True):
    """Entries in the order in which they came, no two of which begin at the same place.

    Raises:
        ConfigError: for a capacity below 1.
    """

    capacity: int = 1000
    entries: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        check_least("buffer", capacity=self.capacity)

    def add(self, *new: Entry) -> Buffer:
        """With further entries, each in place of the one that began where it does.

        What has no priority is left out: it is never drawn. Above the capacity those of the lowest priority
        go, of equal ones the oldest.
        """
        kept = {(entry.task, entry.start): entry for entry in self.entries}
        for entry in new:
            kept.pop((entry.task, entry.start), None)
            if entry.priority > 0:
                kept[entry.task, entry.start] = entry
        entries = list(kept.values())
        order = sorted(range(len(entries)), key=lambda number: (entries[number].priority, number))
        gone = frozenset(order[: max(0, len(entries) - self.capacity)])
        stay = tuple(entry for number, entry in enumerate(entries) if number not in gone)
        return msgspec.structs.replace(self, entries=stay)

    def draw(self, rng: Random, count: int) -> list[Entry]:
        """`count` different entries (fewer, if it holds no more), each with a chance in proportion to its
        priority among those that are left."""
        left = list(self.entries)
        drawn: list[Entry] = []
        while left and len(drawn) < count:
            place = rng.choices(range(len(left)), [entry.priority for entry in left])[0]
            drawn.append(left.pop(place))
        return drawn

    def find(self, draw: Draw) -> Entry | None:
        """The entry that was drawn, if it is still there."""
        same = (entry for entry in self.entries if (entry.task, entry.start) == (draw.task, draw.start))
        return next(same, None)


class Prioritised(Curriculum, frozen=True, kw_only=True):
    """Tasks by how much can be learned from them, and fresh ones.

    Raises:
        ConfigError: for a share outside 0-1, or a capacity below 1.
    """

    fresh: float = 0.5
    """Share of groups that are drawn evenly from all tasks; all of them, while the buffer is empty."""
    capacity: int = 1000
    """Most tasks in the buffer."""
    buffer: Buffer | None = None

    def __post_init__(self) -> None:
        check_share("prioritised", "fresh", self.fresh)
        check_least("prioritised", capacity=self.capacity)

    def draws(self, slot: Slot) -> list[Draw]:
        """Some from the buffer, the rest from all tasks."""
        return mixed(slot, self.held, self.fresh)

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """Each task's priority is what its group taught."""
        new = [Entry(task=group.draw.task, priority=learnability(group.scores)) for group in groups]
        return msgspec.structs.replace(self, buffer=self.held.add(*new))

    @property
    def held(self) -> Buffer:
        """What it holds now."""
        return self.buffer or Buffer(capacity=self.capacity)


def mixed(slot: Slot, buffer: Buffer, fresh: float) -> list[Draw]:
    """A step's draws: each from the buffer with probability `1 - fresh`, as long as it lasts, else a task
    from its beginning that is not drawn yet."""
    rng = slot.random()
    wanted = sum(rng.random() >= fresh for _ in range(slot.groups))
    drawn = [entry.draw(slot.group) for entry in buffer.draw(rng, wanted)]
    taken = [draw.task for draw in drawn if draw.start is None]
    others = slot.others(slot.groups - len(drawn), taken)
    return [*drawn, *(Draw(task=task, count=slot.group) for task in others)]


def check_share(what: str, name: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        ConfigError: naming it.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"{what}: expected {name} from 0 to 1, got {value!r}")


def check_least(what: str, **values: int) -> None:
    """Refuse numbers below 1.

    Raises:
        ConfigError: naming the first.
    """
    for name, value in values.items():
        if value < 1:
            raise ConfigError(f"{what}: expected {name} >= 1, got {value}")
