"""The cases that a judge of a stored run is given: its episodes, or those of two runs in pairs."""

from __future__ import annotations

from collections.abc import Sequence

from turnwise.engine.results import Run
from turnwise.environments.judging import Case, case_of
from turnwise.errors import ConfigError, TaskError
from turnwise.log import Stop
from turnwise.metrics import join
from turnwise.store.store import Store
from turnwise.task import TaskSet

JUDGE = "judge"
"""Kind of a run that judges another."""
_PAIR = "~"


def parent_of(run: Run, against: Run | None = None) -> str:
    """What a judge's run says it judges."""
    return run.id if against is None else f"{run.id}{_PAIR}{against.id}"


def judged_runs(row_parent: str, store: Store) -> tuple[Run, Run | None]:
    """The run, or the two runs, that a judge's run judges.

    Raises:
        StoreError: one of them is no longer there.
    """
    one, _, other = row_parent.partition(_PAIR)
    return Run(store, store.run(one)), Run(store, store.run(other)) if other else None


def cases(run: Run, against: Run | None = None) -> TaskSet:
    """The cases of all episodes that came to an end; a failure of infrastructure is nothing to judge.

    Args:
        run: Whose episodes.
        against: The run with which each is paired, by task and epoch.

    Raises:
        ConfigError: there is nothing to judge.
        TaskError: a task id cannot stand in an id of a case.
    """
    found = _singly(run) if against is None else _paired(run, against)
    if not found:
        which = "episode that ended" if against is None else f"task that {against.id} played, too,"
        raise ConfigError(f"run {run.id} has no {which} without failing: there is nothing to judge")
    return TaskSet(found, name=f"episodes of {parent_of(run, against)}")


def _singly(run: Run) -> list[Case]:
    logs = run.store.read_many(run.row.number, _ended(run))
    return [case_of(f"{run.id}/{number}", log) for number, log in logs]


def _paired(run: Run, against: Run) -> list[Case]:
    mine, theirs = _keys(run), _keys(against)
    both = join([key for _, key in mine], [key for _, key in theirs])
    here = [mine[index][0] for index in both.first]
    there = [theirs[index][0] for index in both.second]
    first = run.store.read_many(run.row.number, here)
    second = against.store.read_many(against.row.number, there)
    return [
        case_of(f"{run.id}/{one}{_PAIR}{against.id}/{two}", log, other=other)
        for (one, log), (two, other) in zip(first, second, strict=True)
    ]


def _keys(run: Run) -> list[tuple[int, tuple[str, int]]]:
    """Number, and task and epoch, of each episode that ended."""
    ended = set(_ended(run))
    rows: Sequence[tuple[int, str, int]] = run.store.columns(run.row.number, ("number", "task", "epoch"))
    return [(number, (task, epoch)) for number, task, epoch in rows if number in ended]


def _ended(run: Run) -> list[int]:
    if run.row.kind == JUDGE:
        raise TaskError(f"run {run.id} is a judge's: judge the run that it judged, {run.row.parent}")
    stops = run.store.stops(run.row.number)
    return sorted(number for number, stop in stops.items() if stop not in (None, Stop.ERROR.value))
