"""How a training went, told by what is stored of it: the scores of its steps, and its evaluations."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from turnwise.engine.results import Run, estimate
from turnwise.errors import ConfigError
from turnwise.metrics import Estimate


class Point(NamedTuple):
    """A score, and after how many steps."""

    step: int
    score: Estimate


class LearningCurve(NamedTuple):
    """Mean scores with 95 % intervals, clustered by task."""

    played: list[Point]
    """Of each step's own episodes: played by the policy that `step` steps had made (with `lag`, one less)."""
    evaluated: list[Point]
    """Of each evaluation."""


def learning_curve(run: Run) -> LearningCurve:
    """The curve of a training, as far as it has come.

    Raises:
        ConfigError: the run is no training.
    """
    if run.row.kind != "train":
        raise ConfigError(f"run {run.id} is no training, so that it has no learning curve")
    config = run.row.provenance["train"]
    # As in `turnwise.learn.config`; a training stores what is not its default.
    per_step = config.get("tasks_per_step", 8) * config.get("group", 8)
    steps: dict[int, tuple[list[str], list[float | None]]] = defaultdict(lambda: ([], []))
    for number, task, stop, score in run.store.columns(run.row.number, ("number", "task", "stop", "score")):
        if stop is not None:
            tasks, scores = steps[number // per_step]
            tasks.append(task)
            scores.append(score)
    played = [Point(step, estimate(*found)) for step, found in sorted(steps.items())]
    # A step that was done again was evaluated again; runs are told newest first.
    evaluated: dict[int, Estimate] = {}
    for row in run.store.runs():
        whose, _, step = (row.parent or "").rpartition("@")
        if row.kind == "eval" and whose == run.id and row.status == "done":
            evaluated.setdefault(int(step), Run(run.store, row).score)
    return LearningCurve(played, [Point(step, score) for step, score in sorted(evaluated.items())])
