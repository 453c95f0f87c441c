"""What a run is held against: least means, and an earlier run on the same tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from turnwise.engine.results import Run
from turnwise.environment import Environment
from turnwise.errors import ConfigError, TurnwiseError, did_you_mean
from turnwise.log import Stop
from turnwise.metrics import Comparison, Estimate, clustered_mean, compare
from turnwise.store.store import Store

SIGNIFICANT = 0.05
"""From this p on downwards a fall is one."""
SCORE = "score"


class CheckFailed(TurnwiseError):
    """A run is not what was asked of it."""

    exit_code = 1


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was asked of a run."""

    name: str
    """`score >= 0.8`, `no regression`."""
    passed: bool
    line: str
    """What was found, in words."""


# Least means -------------------------------------------------------------------------------------------


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The least that the mean of the score, or of a metric, may be."""

    of: str
    least: float

    def __str__(self) -> str:
        return f"{self.of} >= {self.least:g}"


def threshold(text: str) -> Threshold:
    """`0.8` (of the score) or `METRIC=0.8`.

    Raises:
        ConfigError: it is neither.
    """
    of, equals, number = text.rpartition("=")
    try:
        least = float(number)
    except ValueError:
        least = math.nan
    if not math.isfinite(least) or bool(equals) is not bool(of.strip()):
        raise ConfigError(f"--fail-under {text!r}: expected a number such as 0.8, or METRIC=NUMBER")
    return Threshold(of=of.strip() or SCORE, least=least)


def sensible(asked: Sequence[Threshold], made: Environment) -> None:
    """Refuse a threshold on the score that every run passes, or none can.

    Raises:
        ConfigError: telling what scores can be.
    """
    if made.reward_range is None:
        return
    low, high = made.reward_range
    for one in asked:
        if one.of == SCORE and not low <= one.least <= high:
            raise ConfigError(
                f"--fail-under {one.least:g}: scores of {made.name} are from {low:g} to {high:g}"
            )


def at_least(run: Run, asked: Threshold) -> Check:
    """Whether a mean is high enough.

    An episode that has no score counts as 0 here (as the least score of all, where that is below 0), and so
    does, for a metric, one that failed or never began: what was not measured shall not pass.
    """
    found, unmeasured = _of_score(run) if asked.of == SCORE else _of_metric(run, asked.of)
    if not found.n:
        return Check(name=str(asked), passed=False, line=f"no episode has a {asked.of}{_near(run, asked.of)}")
    least = min(0.0, _lowest(run)) if asked.of == SCORE else 0.0
    mean = (found.n * found.mean + unmeasured * least) / (found.n + unmeasured)
    passed = mean >= asked.least or math.isclose(mean, asked.least, rel_tol=1e-12)
    shown = f"{asked.of} {interval(found)}"
    if unmeasured:
        shown += f" of {found.n} episodes, {mean:.3f} with {unmeasured} that have none,"
    said = "is at least" if passed else "is under"
    return Check(name=str(asked), passed=passed, line=f"{shown} {said} {asked.least:g}")


def _of_score(run: Run) -> tuple[Estimate, int]:
    """The score, and how many episodes have none."""
    found = run.score
    return found, run.row.planned - found.n


def _of_metric(run: Run, name: str) -> tuple[Estimate, int]:
    """A metric, and how many episodes should have it for all that is known; others may do without."""
    rows = run.episodes()
    kept = [(row.metrics[name], row.task) for row in rows if name in row.metrics]
    ended = sum(row.stop not in (None, Stop.ERROR.value) or name in row.metrics for row in rows)
    found = clustered_mean([value for value, _ in kept], [task for _, task in kept])
    return found, run.row.planned - ended


def _near(run: Run, name: str) -> str:
    """What a metric that is not there might have meant."""
    known = sorted({metric for row in run.episodes() for metric in row.metrics})
    if name == SCORE or not known:
        return ""
    return did_you_mean(name, known) or f"; there are {', '.join(known)}"


def _lowest(run: Run) -> float:
    return min((score for score in run.store.scores(run.row.number)[1] if score is not None), default=0.0)


# An earlier run ----------------------------------------------------------------------------------------


def earlier(name: str, store: Store, environment: str, *, before: int | None = None) -> Run | None:
    """The run that one of an environment is compared with.

    Args:
        name: Its id, or `last`: the last one of the environment that came to its end.
        store: Where it is.
        environment: Its name.
        before: Number of a run; the last one is sought before it.

    Returns:
        None where the last one is asked for and there is none yet.

    Raises:
        StoreError: there is no run of this id.
        ConfigError: it is another environment's.
    """
    if name == "last":
        for row in store.runs():
            older = before is None or row.number < before
            if older and (row.environment, row.kind, row.status) == (environment, "run", "done"):
                return Run(store, row)
        return None
    row = store.run(name)
    if row.environment != environment:
        raise ConfigError(
            f"run {row.id} is one of {row.environment}, not of {environment}: no baseline for it"
        )
    return Run(store, row)


def paired(a: Run, b: Run, *, solved: float = 0.5) -> Comparison:
    """Run B against run A on the tasks that both scored.

    Raises:
        ConfigError: there is none.
    """
    (tasks_a, scores_a), (tasks_b, scores_b) = (run.store.scores(run.row.number) for run in (a, b))
    found = compare(scores_a, tasks_a, scores_b, tasks_b, solved=solved)
    if found.a.n == 0:
        raise ConfigError(f"{a.id} and {b.id} have no scored task in common: nothing to compare")
    return found


def regression(
    baseline: Run, found: Comparison, *, most_lost: int | None = None, falls: bool = True
) -> Check:
    """Whether a run is significantly worse than an earlier one, or has lost more tasks than it may.

    Over a few tasks no fall can be significant, however deep: there, where nothing else is said, none may be
    lost at all.

    Args:
        baseline: The earlier one.
        found: The later one against it.
        most_lost: How many tasks that were solved may not be solved any more; None is any number, as long as
            a fall can be significant.
        falls: Whether a significant fall counts.
    """
    fell = falls and fallen(found)
    few = falls and 2.0 ** (1 - found.a.n) >= SIGNIFICANT
    if few and most_lost is None:
        most_lost = 0
    line = f"{_signed(found.difference)} against {baseline.id}, p = {found.p:.2g} over {found.a.n} tasks"
    if few:
        line += ", too few for a fall to be significant"
    lost = most_lost is not None and len(found.lost) > most_lost
    if found.lost:
        line += f"; lost {_some(found.lost)}"
    if lost:
        line += f" ({len(found.lost)}, at most {most_lost} may be)"
    return Check(name=f"no regression against {baseline.id}", passed=not (fell or lost), line=line)


def fallen(found: Comparison) -> bool:
    """Whether the difference is below zero, by the permutation test."""
    return found.difference.mean < 0 and found.p < SIGNIFICANT


def _some(names: Sequence[object], most: int = 5) -> str:
    shown = ", ".join(map(str, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def interval(found: Estimate) -> str:
    """`0.83 [0.71, 0.92]`, as far as it can be told."""
    if math.isnan(found.mean):
        return "-"
    if math.isnan(found.low):
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _signed(found: Estimate) -> str:
    sign = "+" if found.mean > 0 else ""
    return f"{sign}{interval(found)}"
