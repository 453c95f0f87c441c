"""DART's curation: fewer rollouts of what is solved, a success for what is not, and the steps worth training
("Efficient Multi-turn RL for GUI Agents via Decoupled Training and Adaptive Data Curation").

`Dart` is the curriculum: the number of rollouts by a task's running success rate, and the success pool.
`trainable` is the published selector of whole groups from stored rows, `high_entropy` the step filter, both
for use on their own. How far the number of rollouts falls is not published; here it falls in a straight line
from all at the threshold to `least` where every episode succeeds.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from typing import NamedTuple, Self

import msgspec
import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import Bools, Floats, Ints
from turnwise.learn.curriculum.protocol import Curriculum, Draw, Group, Slot
from turnwise.wire import Record


class History(Record, frozen=True, kw_only=True):
    """What is known of a task."""

    scores: tuple[bool, ...] = ()
    """Whether each of its last episodes succeeded."""
    success: int | None = None
    """Number of the newest episode that did: the pool."""
    longest: int | None = None
    """Most turns of one that did, to which the task's later episodes are limited."""

    @property
    def rate(self) -> float:
        """Its running success rate; 0 where nothing is known."""
        return sum(self.scores) / len(self.scores) if self.scores else 0.0


class Dart(Curriculum, frozen=True, kw_only=True):
    """Tasks in their turn, with as many rollouts as they need.

    What solved tasks do not need goes to the tasks that come next, so that a step has about as many episodes
    as it has room for, and more groups.

    Raises:
        ConfigError: for a threshold outside 0-1, or numbers below 1.
    """

    threshold: float = 0.6
    """Success rate from which a task gets fewer rollouts."""
    least: int = 2
    """Rollouts of a task that always succeeds."""
    window: int = 16
    """Episodes of a task that its success rate is about."""
    success: float = 1.0
    """Score from which an episode is a success."""
    turns: int | None = 30
    """Most turns of an episode of a task that was never solved; then it is the longest success. None limits
    neither."""
    drawn: int = 0
    """How many groups were drawn so far."""
    history: dict[str, History] = msgspec.field(default_factory=dict[str, History])
    """By task."""

    def __post_init__(self) -> None:
        if not (0 <= self.threshold < 1 and self.least >= 1 and self.window >= 1):
            raise ConfigError(
                f"dart: expected 0 <= threshold < 1, least >= 1, window >= 1, got {self.threshold}, "
                f"{self.least}, {self.window}"
            )

    def draws(self, slot: Slot) -> list[Draw]:
        """Tasks in their turn, until the step is full or each was drawn; the last group may be smaller."""
        drawn: list[Draw] = []
        left = slot.most
        for place in range(self.drawn, self.drawn + len(slot.tasks)):
            task = slot.task(place).id
            if any(draw.task == task for draw in drawn):
                break
            history = self.history.get(task, History())
            count = min(
                left, rollouts(history.rate, most=slot.group, least=self.least, threshold=self.threshold)
            )
            if count < min(self.least, slot.group):
                break
            turns = None if self.turns is None else history.longest or self.turns
            drawn.append(Draw(task=task, count=count, turns=turns))
            left -= count
        return drawn

    def after(self, slot: Slot, groups: Sequence[Group]) -> Self:
        """With each task's newest results."""
        history = dict(self.history)
        for group in groups:
            known = history.get(group.draw.task, History())
            history[group.draw.task] = self._told(known, group)
        return msgspec.structs.replace(self, drawn=self.drawn + len(groups), history=history)

    def recalled(self, groups: Sequence[Group]) -> tuple[int, ...]:
        """A stored success for each group in which all failed, where there is one."""
        failed = (group.draw.task for group in groups if group.scores and not self._good(group))
        known = (self.history.get(task, History()).success for task in failed)
        return tuple(number for number in known if number is not None)

    def _good(self, group: Group) -> list[int]:
        """Places of its episodes that succeeded."""
        scores = (seen.score for seen in group.seen)
        return [place for place, score in enumerate(scores) if score is not None and score >= self.success]

    def _told(self, known: History, group: Group) -> History:
        good = self._good(group)
        new = (score >= self.success for score in group.scores)
        lengths = [len(group.seen[place].turns) for place in good]
        longest = max([*lengths, known.longest or 0]) if good else known.longest
        return History(
            scores=(*known.scores, *new)[-self.window :],
            success=group.seen[good[-1]].episode if good else known.success,
            longest=longest,
        )


def rollouts(rate: float, *, most: int = 8, least: int = 2, threshold: float = 0.6) -> int:
    """How often a task is played: `most` up to a success rate of `threshold`, then fewer, down to `least`."""
    least = min(least, most)
    share = max(0.0, rate - threshold) / (1 - threshold)
    return most - round(share * (most - least))


class Row(NamedTuple):
    """A stored trajectory, as the data manager has it."""

    id: int
    """The higher, the newer."""
    task: str
    reward: float
    """-1 where there is none."""
    version: int
    """Of the policy that played it."""
    used: int = 0
    """How often it was trained on."""


def trainable(
    rows: Sequence[Row],
    *,
    versions: Collection[int],
    rng: Random,
    size: int = 8,
    most: float = 1.0,
) -> dict[str, list[Row]]:
    """Groups to train on, by task, the task with the oldest row first.

    A task is eligible with `size` fresh rows (unused, rewarded, by one of `versions`) whose mean reward is
    below `most`. Where the mean is 0, its newest success of any version takes the place of the oldest row;
    without one it is left out. Of more than `size` rows a random part stays that holds a success and a
    failure.

    Args:
        rows: All there are.
        versions: Policy versions that are fresh enough; the published code takes the latest two.
        rng: Draws the part.
        size: Rows of a group.
        most: Mean reward from which a task is solved.
    """
    fresh: dict[str, list[Row]] = {}
    for row in sorted(rows):
        if not row.used and row.reward != -1 and row.version in versions:
            fresh.setdefault(row.task, []).append(row)
    found: dict[str, list[Row]] = {}
    for task, mine in sorted(fresh.items(), key=lambda item: item[1][0].id):
        mean = sum(row.reward for row in mine) / len(mine)
        if len(mine) < size or not 0 <= mean < most:
            continue
        if mean == 0:
            pool = [row for row in rows if row.task == task and row.reward > 0]
            if not pool:
                continue
            mine = [*mine[1:], max(pool)]
        found[task] = _part(mine, size, rng)
    return found


def _part(rows: list[Row], size: int, rng: Random) -> list[Row]:
    """`size` random rows, at least one with a reward and one without, where there are such."""
    good = [row for row in rows if row.reward > 0]
    bad = [row for row in rows if row.reward <= 0]
    sure = [rng.choice(kind) for kind in (good, bad) if kind][:size]
    left = [row for row in rows if row not in sure]
    return sorted([*sure, *rng.sample(left, min(len(left), size - len(sure)))])


def high_entropy(entropy: Floats, tokens: Ints, *, percentile: float = 20.0) -> Bools:
    """`[K]` Turns whose mean entropy is not below a percentile (linear interpolation) of all turns' means.

    Args:
        entropy: `[M]` Of each sampled token, turn after turn.
        tokens: `[K]` Sampled tokens of each turn; a turn without any is left out.
        percentile: From 0 to 100; 20 keeps the top 80 %.
    """
    turn = np.repeat(np.arange(len(tokens)), tokens)
    means = np.bincount(turn, entropy, minlength=len(tokens)) / np.maximum(tokens, 1)
    there = tokens > 0
    if not there.any():
        return there
    return there & (means >= np.percentile(means[there], percentile))
