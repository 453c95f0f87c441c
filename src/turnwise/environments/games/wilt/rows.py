"""WILT's tasks, and handing one agent's tests to another (the paper's test-swap experiment)."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from turnwise.environments.games.wilt.checker import Triple
from turnwise.environments.games.wilt.rules import RULES, Split
from turnwise.errors import TaskError
from turnwise.log import EpisodeLog, Note
from turnwise.task import Task
from turnwise.wire import Record


class Observation(Record, frozen=True, kw_only=True):
    """A test and its result."""

    input: Triple
    result: bool


class WiltTask(Task, frozen=True, kw_only=True):
    """One hidden rule.

    Raises:
        TaskError: where the split has no such rule.
    """

    split: Split = "full"
    rule: int
    """Official number within the split, from 1."""
    given: tuple[Observation, ...] = ()
    """Tests somebody else made; where there are any, the agent may only guess."""

    def __post_init__(self) -> None:
        if not 1 <= self.rule <= len(RULES[self.split]):
            raise TaskError(
                f"wilt task {self.id!r}: field 'rule': expected 1 to {len(RULES[self.split])} "
                f"for the split {self.split!r}, got {self.rule}"
            )

    @property
    def source(self) -> str:
        """The rule's text."""
        return RULES[self.split][self.rule - 1]


def tasks_of(split: Split) -> list[WiltTask]:
    """All rules of a split, in official order."""
    numbers = range(1, len(RULES[split]) + 1)
    return [WiltTask(id=f"{split}/{number}", split=split, rule=number) for number in numbers]


def tests_of(notes: Iterable[Note]) -> list[Observation]:
    """The tests an episode made, in order."""
    return [msgspec.convert(note.value, Observation) for note in notes if note.name == "test"]


def transplant(log: EpisodeLog) -> WiltTask:
    """A stored episode's rule and tests as a task for another agent, which may only guess.

    Played by agent B over the episodes of agent A, it splits choosing tests from inferring the rule.

    Raises:
        TaskError: for an episode of another environment, or one that made no test.
    """
    if log.environment != "wilt":
        raise TaskError(f"transplant: expected an episode of 'wilt', got one of {log.environment!r}")
    task = msgspec.convert(log.task, WiltTask)
    given = tests_of(log.notes)
    if not given:
        raise TaskError(f"transplant: the episode of task {task.id!r} made no test to hand on")
    # Episodes of several epochs may be handed on together, so the id tells them apart.
    return msgspec.structs.replace(task, id=f"{task.id}/tests/{log.epoch}", given=tuple(given))
