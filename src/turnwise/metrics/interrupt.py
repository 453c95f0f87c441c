"""What interruptions cost: InterruptBench's measures (arXiv 2604.00892), over pairs of the same task.

Each task is played twice, without and with the interruption, and what is measured is what came after it. All
functions take plain numbers; `measured` reads them from the log of an episode whose notes tell of it
(`interrupt`, as `agents.users.interruption` and the environment `interruptbench` write them).

An episode that was stopped early (it went round in circles) counts as `MOST` actions, and its tokens go on as
they were at last. One that is missing is missing; with `missing="penalise"` it counts as `MOST` actions and
as a failure, which is the published default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import msgspec

from turnwise.log import EpisodeLog
from turnwise.metrics.intervals import mean, proportion
from turnwise.metrics.summary import Estimate
from turnwise.metrics.values import MetricError, Values, as_floats

MOST = 30
"""Actions that an episode counts as, which was stopped early or is missing."""
EARLY = "Early stop"
"""How the reason begins for which an episode was stopped early."""
Missing: TypeAlias = Literal["keep", "penalise"]


class Measured(NamedTuple):
    """One episode, in numbers."""

    task: str
    success: bool
    actions: int
    """All of them, those included that were replayed before it began."""
    after: int
    """Those after the interruption; all where there was none."""
    early: bool
    """Whether it was stopped early."""
    tokens: tuple[int, ...] | None
    """Tokens sampled for each action after the interruption; None where some provider does not tell."""


def measured(log: EpisodeLog, *, solved: float = 1.0) -> Measured | None:
    """An episode in numbers; None where it failed or is unfinished, so that nothing can be said of it.

    Args:
        log: Its actions are the turns of the first role, calls of tools included; a greeting that was put
            into its mouth is none.
        solved: The score from which it counts as a success.
    """
    score = log.score()
    if score is None:
        return None
    first = log.roles[0]
    before = int(log.metrics.get("replayed", 0))
    said = [turn for turn in log.turns if turn.role == first]
    greeting = next((number for number, turn in enumerate(said) if turn.calls), 0)
    turns = said[greeting:]
    total = before + len(turns)
    points = [
        int(cast("dict[str, Any]", note.value)["actions"]) for note in log.notes if note.name == "interrupt"
    ]
    k = max(0, max(points, default=0) - greeting)
    used = {
        call.n: (call.usage.output if call.usage else len(call.sampled_ids) if call.sampled_ids else None)
        for call in log.calls
        if call.role == first
    }
    counts = [
        sum_or_none([used.get(n) for n in turn.calls]) if turn.calls else 0
        for turn in turns[max(0, k - before) :]
    ]
    tokens = None if any(count is None for count in counts) else tuple(count or 0 for count in counts)
    return Measured(
        task=str(log.task["id"]),
        success=score >= solved - 1e-9,
        actions=total,
        after=max(0, total - k),
        early=(log.detail or "").startswith(EARLY),
        tokens=tokens,
    )


def sum_or_none(values: Sequence[int | None]) -> int | None:
    """The sum; None where a part is, or where there is none."""
    if not values or any(value is None for value in values):
        return None
    return sum(value or 0 for value in values)


def actions_counted(after: int, *, early: bool = False, most: int = MOST) -> int:
    """Actions that an episode counts as; `after` is what it did after the interruption."""
    return most if early else after


def tokens_counted(tokens: Sequence[float], *, early: bool = False, most: int = MOST) -> float:
    """Tokens an episode counts as: if stopped early, (most - n) times the mean of the last three more."""
    total = float(sum(tokens))
    if early and tokens:
        last = tokens[-3:]
        total += max(0, most - len(tokens)) * sum(last) / len(last)
    return total


def success_by_steps(
    success: Values,
    after: Values,
    *,
    most: int = MOST,
    missing: Missing = "keep",
    level: float = 0.95,
) -> list[Estimate]:
    """SR@n for n = 1 … `most`: the share of tasks that had succeeded n actions after the interruption.

    A task counts from the action on with which it ended, if it ended well; the curve never falls.

    Args:
        success: 0 or 1 for each task; None where it is missing.
        after: Actions after the interruption until it ended: 0 where it ended before.
        most: The longest count.
        missing: Whether what is missing is left out or counts as failed.
        level: Of the intervals (Wilson's).

    Raises:
        MetricError: the two are not of one length, or there is no n.
    """
    won, steps = as_floats(success, "success"), as_floats(after, "after")
    if len(won) != len(steps) or most < 1:
        raise MetricError(
            f"success_by_steps: expected as many steps as successes ({len(won)}) and most >= 1, "
            f"found {len(steps)} and {most}"
        )
    without = [math.isnan(w) or math.isnan(s) for w, s in zip(won, steps, strict=True)]
    out: list[Estimate] = []
    for n in range(1, most + 1):
        verdicts = [
            (0.0 if missing == "penalise" else math.nan) if gone else float(w >= 1 and s <= n)
            for w, s, gone in zip(won, steps, without, strict=True)
        ]
        out.append(proportion(verdicts, level=level))
    return out


class Adaptation(msgspec.Struct, frozen=True, kw_only=True):
    """What an interruption changed, in actions or tokens."""

    plain: float
    """Mean without the interruption."""
    interrupted: float
    """Mean after it."""
    difference: Estimate
    """Mean of interrupted less plain over the pairs, with its t interval."""
    by_outcome: dict[str, Estimate]
    """The difference where both succeeded, both failed, only the plain one did (`plain_only`), or only the
    interrupted one (`interrupted_only`); those that occur."""


def adaptation(
    plain: Values,
    interrupted: Values,
    *,
    plain_success: Values,
    interrupted_success: Values,
    missing: Missing = "keep",
    most: float = MOST,
    level: float = 0.95,
) -> Adaptation:
    """Adapt efficiency: what adapting cost beyond doing the task at once.

    Args:
        plain: Actions or tokens of each task without interruption (`actions_counted`, `tokens_counted`); None
            where it is missing.
        interrupted: The same of the interrupted run, after the interruption.
        plain_success: 0 or 1 for each task.
        interrupted_success: The same of the interrupted run.
        missing: Whether what is missing is left out, with its pair, or counts as `most` and as failed.
        most: What a missing episode counts as; 0 for tokens, as published.
        level: Of the intervals.

    Raises:
        MetricError: they are not of one length.
    """
    columns = [
        as_floats(values, name)
        for values, name in (
            (plain, "plain"),
            (interrupted, "interrupted"),
            (plain_success, "plain_success"),
            (interrupted_success, "interrupted_success"),
        )
    ]
    if len({len(column) for column in columns}) != 1:
        raise MetricError(
            f"adaptation: expected four lists of one length, found {[len(column) for column in columns]}"
        )
    rows = [
        _row(values, missing, most) for values in zip(*(column.tolist() for column in columns), strict=True)
    ]
    differences = [after - before for before, after, _, _ in rows]
    buckets: dict[str, list[float]] = {}
    for (_, _, won, won_interrupted), difference in zip(rows, differences, strict=True):
        if not math.isnan(difference):
            buckets.setdefault(_OUTCOMES[won >= 1, won_interrupted >= 1], []).append(difference)
    return Adaptation(
        plain=mean([row[0] for row in rows]).mean,
        interrupted=mean([row[1] for row in rows]).mean,
        difference=mean(differences, level=level),
        by_outcome={name: mean(buckets[name], level=level) for name in _OUTCOMES.values() if name in buckets},
    )


class InterruptReport(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of runs over the same tasks, without and with interruptions."""

    plain: Estimate
    """Success rate without."""
    interrupted: Estimate
    """Success rate with."""
    by_steps: list[Estimate]
    """Success of the interrupted run by actions after the interruption; see `success_by_steps`."""
    actions: Adaptation
    tokens: Adaptation
    """All nan where a provider does not tell tokens."""


def interrupt_report(
    plain: Iterable[EpisodeLog],
    interrupted: Iterable[EpisodeLog],
    *,
    missing: Missing = "keep",
    most: int = MOST,
    level: float = 0.95,
) -> InterruptReport:
    """All measures of a pair of runs, one episode a task in each; tasks are paired by their ids.

    Args:
        plain: Episodes without interruption: a baseline, or the whole intent at once.
        interrupted: Episodes with it. A task that only one of the two runs has is missing in the other.
        missing: What is made of episodes that are missing, failed or unfinished.
        most: Actions that an episode counts as, which was stopped early or is missing.
        level: Of the intervals.

    Raises:
        MetricError: a task occurs twice in one run.
    """
    before, after = _by_task(plain, "plain"), _by_task(interrupted, "interrupted")
    tasks = list(dict.fromkeys((*before, *after)))
    pairs = [(before.get(task), after.get(task)) for task in tasks]
    won = [None if one is None else float(one.success) for one, _ in pairs]
    won_after = [None if one is None else float(one.success) for _, one in pairs]

    def adapted(count: Callable[[Measured], float | None], worst: float) -> Adaptation:
        return adaptation(
            [None if one is None else count(one) for one, _ in pairs],
            [None if one is None else count(one) for _, one in pairs],
            plain_success=won,
            interrupted_success=won_after,
            missing=missing,
            most=worst,
            level=level,
        )

    def tokens(one: Measured) -> float | None:
        return None if one.tokens is None else tokens_counted(one.tokens, early=one.early, most=most)

    lost = 0.0 if missing == "penalise" else None
    return InterruptReport(
        plain=proportion([lost if value is None else value for value in won], level=level),
        interrupted=proportion([lost if value is None else value for value in won_after], level=level),
        by_steps=success_by_steps(
            won_after,
            [None if one is None else one.after for _, one in pairs],
            most=most,
            missing=missing,
            level=level,
        ),
        actions=adapted(lambda one: actions_counted(one.after, early=one.early, most=most), most),
        tokens=adapted(tokens, 0.0),
    )


def _by_task(logs: Iterable[EpisodeLog], name: str) -> dict[str, Measured | None]:
    found: dict[str, Measured | None] = {}
    for log in logs:
        task = str(log.task["id"])
        if task in found:
            raise MetricError(f"{name}: the task {task!r} was played twice; pairs need one episode a task")
        found[task] = measured(log)
    return found


_OUTCOMES = {
    (True, True): "both",
    (True, False): "plain_only",
    (False, True): "interrupted_only",
    (False, False): "neither",
}


def _row(
    values: tuple[float, float, float, float], missing: Missing, most: float
) -> tuple[float, float, float, float]:
    """Actions and successes of one task, with what is missing as the policy has it."""
    plain, interrupted, won, won_interrupted = values
    if missing == "penalise":
        plain, won = (most, 0.0) if math.isnan(plain) else (plain, won)
        interrupted, won_interrupted = (
            (most, 0.0) if math.isnan(interrupted) else (interrupted, won_interrupted)
        )
    return plain, interrupted, won, won_interrupted
