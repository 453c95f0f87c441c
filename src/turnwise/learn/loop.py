"""Step after step: a whole training, from its last checkpoint to its end.

**One run holds all steps.** Episode n belongs to step n // (tasks_per_step * group), so that one id is
resumed, read and drawn, and a step's episodes are read back from the store before they are learned from: what
is trained on is what is stored. Evaluations are runs of their own (kind `eval`, parent `RUN@STEP`), because
they are what is compared with other runs.

**A step is the unit of resuming.** A checkpoint is weights, optimiser, random state, curriculum and the
step's number. What was played after the last checkpoint is played again: only whole batches sample bit for
bit the same, and so a training that was killed ends with the weights of one that was not. With `lag` 1, the
step that comes next was already played when the checkpoint was written, by the weights before: it is kept.

**Several learners** play in the same episodes; each learns from its own roles' turns by its own settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from turnwise.engine import launch
from turnwise.engine.launch import Watch
from turnwise.engine.resolve import Given
from turnwise.engine.results import Run
from turnwise.engine.runner import Halt, Runner
from turnwise.engine.tally import Tally
from turnwise.learn.checkpoints import Checkpoints, Saved
from turnwise.learn.curriculum import Course
from turnwise.learn.engine.protocol import TrainingError
from turnwise.learn.journal import Journal
from turnwise.learn.lesson import MAIN, Lesson
from turnwise.learn.players import Players
from turnwise.learn.rows import Built, batch_of
from turnwise.learn.trainer import Student, collect, learn, read_back
from turnwise.log import EpisodeLog

Say = Callable[[dict[str, Any]], None]
"""Is told of each line of the log."""
Metrics = dict[str, float]
_SKIPS = 3
"""So many steps in a row without a finite gradient are no accident."""


async def go_on(
    lesson: Lesson, students: Sequence[Student], run: Run, *, watch: Watch | None, say: Say
) -> Run:
    """All steps that are left, from the last checkpoint.

    Raises:
        RunStopped: by Ctrl-C, or because going on was senseless; it can be resumed.
    """
    config = lesson.config
    saved = Checkpoints(Path(config.folder or f"turnwise-train/{run.id}"))
    work = _Work(lesson, students, run, saved)
    watching = None
    async with launch.at_work(run, work.stop):
        saved.belong(run.id)
        first = saved.load_last(work.parts)
        work.ahead = first + config.lag if first else 0
        run.store.cut(run.row.number, work.ahead * lesson.per_step)
        for task, stop, score in run.store.columns(run.row.number, ("task", "stop", "score")):
            work.tally.known(stop, task, score)
        try:
            watching = None if watch is None else watch(run, work.tally)
            about = msgspec.to_builtins(config)
            with Journal(saved.folder, before=first, say=say, about=about) as journal:
                for step in range(first, config.steps + 1):
                    due = config.eval_every and (step % config.eval_every == 0 or step == config.steps)
                    if due and not journal.evaluated(step):
                        journal.write(step, eval=await work.evaluate(step))
                    work.check()
                    if step == config.steps:
                        break
                    journal.write(step, **await work.step(step))
                    if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
                        await asyncio.to_thread(saved.save, step + 1, work.parts)
        finally:
            if watching is not None:
                watching.close()
            await work.close()
    return run


class _Work:
    """What a training is at: its parts, and the steps they take together."""

    def __init__(self, lesson: Lesson, students: Sequence[Student], run: Run, saved: Checkpoints) -> None:
        config = lesson.config
        self.tally = Tally(run.row.planned)
        self.ahead = 0
        """Steps before this one are in the store already."""
        self._lesson, self._students, self._run = lesson, students, run
        self._course = Course(
            lesson.curriculum,
            lesson.tasks,
            groups=config.tasks_per_step,
            group=config.group,
            seed=config.seed,
            role=students[0].learner.roles[0],
            run=run,
        )
        engines = {student.learner.name: student.engine for student in students}
        self._players = Players(lesson, engines, saved)
        self.parts: dict[str, Saved] = {**engines, "curriculum": self._course}
        for student in students:
            if student.critic is not None:
                name = student.learner.name
                self.parts["critic" if name == MAIN else f"{name}.critic"] = student.critic
        if self._players.league is not None:
            self.parts["league"] = self._players.league
        self._playing: asyncio.Task[list[EpisodeLog]] | None = None
        self._skips = 0
        self._runner: Runner | None = None
        self._wanted = False

    async def step(self, step: int) -> Metrics:
        """One step, and what is to be said of it."""
        config = self._lesson.config
        began = perf_counter()
        played = await (self._playing or self._play(step))
        collected = perf_counter()
        self._players.learned(step, played)
        logs = self._course.learned(step, played)
        built = [batch_of(logs, roles=student.learner.roles) for student in self._students]
        lagging = config.lag > 0 or len(logs) > len(played)
        # In a thread, so that the event loop goes on saying that the run is alive.
        learning = asyncio.to_thread(self._learn, built, step, lagging)
        if config.lag and step + 1 < config.steps:
            self._playing = asyncio.create_task(self._play(step + 1))
            metrics = await _beside(learning, self._playing)
        else:
            self._playing, metrics = None, await learning
        for student in self._students:
            student.engine.sync(step + 1)
        told = _by_role(logs, self._lesson.environment.roles)
        return (
            told
            | metrics
            | {"seconds_collect": collected - began, "seconds_learn": perf_counter() - collected}
        )

    async def evaluate(self, step: int) -> dict[str, Any]:
        """Play the evaluation's tasks as a run of its own; its mean score with a 95 % interval."""
        lesson = self._lesson
        config = lesson.run_config
        config = msgspec.structs.replace(config, settings={**config.settings, **lesson.config.eval_settings})
        given = Given(None, lesson.given.tasks, self._players.yardstick())
        parent = f"{self._run.id}@{step}"
        played = await launch.start(config, self._run.store, given=given, kind="eval", parent=parent)
        score = played.score
        return {"run": played.id, "mean": score.mean, "low": score.low, "high": score.high}

    def stop(self) -> None:
        """The first Ctrl-C: stop the episodes in flight, or else the training before its next step."""
        self._wanted = True
        if self._runner is not None:
            self._runner.stop()

    def check(self) -> None:
        """Whether to go on.

        Raises:
            Halt: it was stopped.
        """
        if self._wanted:
            raise Halt("stopped")

    async def close(self) -> None:
        """Let go of all models."""
        await self._players.close()
        for student in self._students:
            for engine in (student.engine, student.critic, student.reference):
                if engine is not None:
                    await engine.close()

    async def _play(self, step: int) -> list[EpisodeLog]:
        environment = self._course.environment(self._lesson.environment)
        jobs = self._course.jobs(step, played=step < self.ahead)
        cast = self._players.cast(step, environment)
        if step < self.ahead:
            return read_back(self._run, jobs)

        def begun(runner: Runner) -> None:
            self._runner = runner

        return await collect(
            self._run, jobs, environment=environment, cast=cast, tally=self.tally, begun=begun
        )

    def _learn(self, built: Sequence[Built], step: int, lagging: bool) -> Metrics:
        """All learners, one after the other.

        Raises:
            TrainingError: as `learn`, or because one of them has no finite gradient step after step.
        """
        metrics: Metrics = {}
        for student, mine in zip(self._students, built, strict=True):
            found = learn(student, mine, step=step, lagging=lagging)
            name = student.learner.name
            metrics |= found if name == MAIN else {f"{name}/{key}": value for key, value in found.items()}
        skipped = any(value == 1 for key, value in metrics.items() if key.endswith("skipped"))
        self._skips = self._skips + 1 if skipped else 0
        if self._skips == _SKIPS:
            raise TrainingError(
                f"no finite gradient in {_SKIPS} steps in a row: go back to an earlier checkpoint, lower lr"
            )
        return metrics


async def _beside(learning: Coroutine[Any, Any, Metrics], playing: asyncio.Task[Any]) -> Metrics:
    """What was learned, when both have ended: where one fails, the other ends first."""
    metrics, played = await asyncio.gather(learning, playing, return_exceptions=True)
    if isinstance(metrics, BaseException):
        raise metrics
    if isinstance(played, BaseException):
        raise played
    return metrics


def _by_role(logs: Sequence[EpisodeLog], roles: Sequence[str]) -> Metrics:
    """The mean score of each role, where there are several."""
    found: Metrics = {}
    for role in roles if len(roles) > 1 else ():
        scores = [score for log in logs if (score := log.score(role)) is not None]
        if scores:
            found[f"score/{role}"] = float(np.mean(scores))
    return found
