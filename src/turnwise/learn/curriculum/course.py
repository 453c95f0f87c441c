"""The course of a training through its curriculum: draws become jobs, and logs become what was seen.

jobs = course.jobs(step)                 instead of every task in its turn
logs = course.learned(step, logs)        the curriculum has seen them; with what it recalls
course.save(folder), course.load(folder) beside the weights
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from turnwise import wire
from turnwise.engine import fork
from turnwise.engine.plan import seed_of
from turnwise.engine.results import Run
from turnwise.engine.runner import Job
from turnwise.errors import ConfigError
from turnwise.learn.curriculum.protocol import AnyEnvironment, Curriculum, Draw, Group, Seen, Slot
from turnwise.log import EpisodeLog, Stop
from turnwise.task import Task

FILE = "curriculum.json"


class Course:
    """A curriculum at work.

    Args:
        curriculum: As it is at the beginning.
        tasks: All there are.
        groups: Groups of a step, where all are full.
        group: Episodes of a full group.
        seed: Of the training.
        role: The one that is trained.
        run: The training's.

    Raises:
        ConfigError: the curriculum cannot begin.
    """

    def __init__(
        self,
        curriculum: Curriculum,
        tasks: Sequence[Task],
        *,
        groups: int,
        group: int,
        seed: int,
        role: str,
        run: Run,
    ) -> None:
        self._tasks = {task.id: task for task in tasks}
        self._slot = Slot(0, tasks, groups, group, seed)
        self._role = role
        self._run = run
        self.drawn: list[Draw] = []
        """What the last step plays."""
        self.curriculum = curriculum.begun(run.store)

    def environment(self, environment: AnyEnvironment) -> AnyEnvironment:
        """The environment that the next step plays in."""
        return self.curriculum.applied(environment)

    def jobs(self, step: int, *, played: bool = False) -> list[Job]:
        """The episodes of a step. What goes on from a history is planted in the training's run.

        Args:
            step: Its number.
            played: It was played before, and is read back: nothing is planted.

        Raises:
            ConfigError: the curriculum draws nothing, more than there is room for, or an unknown task.
        """
        slot = self._at(step)
        self.drawn = self.curriculum.draws(slot)
        count = sum(draw.count for draw in self.drawn)
        if not 0 < count <= slot.most:
            raise ConfigError(
                f"the curriculum draws {count} episodes for step {step}, expected 1-{slot.most}"
            )
        jobs: list[Job] = []
        for draw in self.drawn:
            if draw.task not in self._tasks:
                raise ConfigError(f"the curriculum draws task {draw.task!r}, which is not in the task set")
            known = None if draw.start is None or played else self._parent(draw)
            for _ in range(draw.count):
                jobs.append(self._job(step * slot.most + len(jobs), draw, known))
        return jobs

    def learned(self, step: int, logs: Sequence[EpisodeLog]) -> list[EpisodeLog]:
        """The logs to learn from, after the curriculum has seen them: those of the jobs, in their order, and
        those it recalls."""
        slot = self._at(step)
        groups: list[Group] = []
        number = 0
        for draw in self.drawn:
            mine = logs[number : number + draw.count]
            first = step * slot.most + number
            groups.append(Group(draw, [self._seen(first + place, log) for place, log in enumerate(mine)]))
            number += draw.count
        recalled = self.curriculum.recalled(groups)
        self.curriculum = self.curriculum.after(slot, groups)
        return [*logs, *(log for _, log in self._run.store.read_many(self._run.row.number, recalled))]

    def save(self, folder: Path) -> None:
        """Write the curriculum as it is."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(wire.encode(self.curriculum))

    def load(self, folder: Path) -> None:
        """Read what `save` wrote.

        Raises:
            ConfigError: it cannot be read, or is another curriculum.
        """
        try:
            self.curriculum = wire.decode((folder / FILE).read_bytes(), type(self.curriculum))
        except OSError as error:
            raise ConfigError(f"cannot read {folder / FILE}: {error.strerror or error}") from None
        except msgspec.DecodeError as error:
            raise ConfigError(f"{folder / FILE} is no state of this curriculum: {error}") from None

    def _at(self, step: int) -> Slot:
        return self._slot._replace(step=step)

    def _parent(self, draw: Draw) -> EpisodeLog:
        assert draw.start is not None
        store, run = self._run.store, self._run.row.number
        if draw.start.run is not None:
            run = store.run(draw.start.run).number
        return store.read(run, draw.start.episode)

    def _job(self, number: int, draw: Draw, parent: EpisodeLog | None) -> Job:
        """Episode `number` of the run: from the task's beginning, or as a fork of `parent`."""
        task = self._tasks[draw.task]
        seed = seed_of(self._slot.seed, task.id, number)
        if parent is None or draw.start is None:
            return Job(number, task, number, seed, turns=draw.turns)
        known = fork.prefix(parent, draw.start.at, seed=seed)
        self._run.store.plant(self._run.row.number, number, known)
        said = sum(turn.role in known.roles for turn in known.turns)
        turns = None if draw.turns is None else said + draw.turns
        return Job(number, task, parent.epoch, parent.seed, known, part=2, turns=turns)

    def _seen(self, number: int, log: EpisodeLog) -> Seen:
        shared = log.branches[-1].turns if log.branches else 0
        turns = (turn.index for turn in log.turns if turn.role == self._role and turn.calls)
        new = tuple(index for index in turns if index >= shared)
        cut = len(log.turns) if log.stop is Stop.MAX_TURNS else None
        return Seen(episode=number, score=log.score(self._role), turns=new, cut=cut)
