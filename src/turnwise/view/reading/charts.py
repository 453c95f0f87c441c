"""A run as a whole: its charts, each of whose points says which episodes it stands for.

What the table of episodes tells is told of all of them. What only the logs tell (turns of a role, tokens by
role, tools) is read from some, spread evenly over the run, and says how many.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Sequence
from time import perf_counter
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import msgspec
import numpy as np

from turnwise.engine.learning import learning_curve
from turnwise.engine.results import Run
from turnwise.log import EpisodeLog
from turnwise.metrics import clustered_mean
from turnwise.metrics.by_turn import solved_at, success_by_turn
from turnwise.view.reading import runs
from turnwise.view.reading.learning import series
from turnwise.view.reading.source import Sample, Source
from turnwise.view.server import shapes as s

_BARS = 20
_METRICS_UP_TO = 20_000
_SHARE = 5.0
"""Charts of a run that goes on are made anew after so many times what they took."""
_WEIGHT = 200
"""Of a run's charts, in figures."""
_CHILDREN = 100
_WORTH_SECONDS = 1e-3
"""Calls that take less are those of scripts, whose time tells nothing."""


def page(source: Source, run: Run, *, here: Container[str] = ()) -> s.RunPage:
    """All that is told of a run."""
    row = run.row
    total = runs.totals_of(source, [row]).get(row.number, runs.Totals())
    state = (total.done, total.begun, row.ended)
    kept: _Kept | None = source.cache.peek(("charts", row.id))
    over = row.ended is not None
    if kept is None or (kept.state != state and (over or perf_counter() > kept.until)):
        start = perf_counter()
        rows = run.store.columns(row.number, ("number", "stop", *_FIGURES, "task"))
        # The line's score is told from the same rows.
        runs.learn(source, row, total, [(line[-1], line[2]) for line in rows if line[1] is not None])
        charts = _charts(source, run, runs.line(source, row), rows)
        now = perf_counter()
        # A large run that goes on changes all the time: its charts may be some seconds old.
        kept = _Kept(charts, state, now + _SHARE * (now - start))
        source.cache.put(("charts", row.id), kept, _WEIGHT)
    line = runs.line(source, row, here=here)
    children = [child for child in source.rows() if run.id in runs.parents(child)][:_CHILDREN]
    return s.RunPage(
        run=line,
        config=row.config,
        provenance=row.provenance,
        children=runs.lines(source, children, here=here),
        **kept.charts,
    )


class _Kept(NamedTuple):
    """Charts, what they were told from, and until when they may be shown for something later."""

    charts: dict[str, Any]
    state: tuple[Any, ...]
    until: float


def success(source: Source, run: Run, *, solved: float | None) -> s.SuccessByTurn | None:
    """The share of episodes solved by each turn of the first role; None where none ended, or none can be."""
    if solved is None:
        return None
    ended = sorted(number for number, stop in run.store.stops(run.row.number).items() if stop is not None)
    key = ("solved", run.id, len(ended), solved)
    total = runs.totals_of(source, [run.row]).get(run.row.number, runs.Totals())
    turns = total.turns / max(1, total.done)
    return source.cache.get(key, lambda: _success(source.sample(run, ended, turns), len(ended), solved))


def _charts(source: Source, run: Run, line: s.RunLine, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    ended = [row for row in rows if row[1] is not None]
    values = {name: [row[place] for row in ended] for place, name in enumerate(_FIGURES, start=2)}
    turns = sum(count or 0 for count in values["turns"]) / max(1, len(ended))
    sample = source.sample(run, [row[0] for row in ended], turns)
    return {
        "solved": _success(sample, len(ended), _solved(values["score"])),
        "scores": _histogram(values["score"], "score"),
        "stops": _stops(rows),
        "errors": _errors(run),
        "roles": _roles(sample, line.agents),
        "tools": _tools(sample.logs),
        "told_from": len(sample.logs),
        "cost": _histogram(values["cost"], "cost") if any(values["cost"]) else None,
        "seconds": _histogram(values["seconds"], "seconds"),
        "turns": _histogram(values["turns"], "turns"),
        "metrics": _metrics(run, len(rows)),
        "learning": _learning(run),
    }


_FIGURES = ("score", "turns", "cost", "seconds")


# What the table tells -----------------------------------------------------------------------------------


def _histogram(values: Sequence[float | None], name: str) -> s.Histogram | None:
    """Bars of equal width, or one a value where there are few; None where there is no value."""
    given = np.array([value for value in values if value is not None], dtype=np.float64)
    if not len(given):
        return None
    kinds = np.unique(given)
    if len(kinds) <= _BARS:
        bins = [_bar(name, value, value, int((given == value).sum()), last=True) for value in kinds]
    else:
        edges = _edges(float(kinds[0]), float(kinds[-1]), whole=bool((kinds == kinds.round()).all()))
        counts, _ = np.histogram(given, edges)
        bins = [
            _bar(name, low, high, int(count), last=place == len(counts) - 1)
            for place, (low, high, count) in enumerate(zip(edges[:-1], edges[1:], counts, strict=True))
        ]
    return s.Histogram(
        bins=bins,
        missing=len(values) - len(given),
        missing_query="scored=false" if name == "score" else "",
        median=float(np.median(given)),
        p95=float(np.quantile(given, 0.95)),
    )


def _edges(low: float, high: float, *, whole: bool) -> Any:
    """Edges at round numbers, about `_BARS` bars."""
    step = (high - low) / _BARS
    unit = 10.0 ** math.floor(math.log10(step))
    width = next(unit * digit for digit in (1, 2, 5, 10) if unit * digit >= step * (1 - 1e-9))
    width = max(1.0, round(width)) if whole else width
    first, last = math.floor(low / width), math.floor(high / width) + 1
    return np.arange(first, last + 1) * width


def _bar(name: str, low: float, high: float, count: int, *, last: bool) -> s.Bin:
    low, high = float(low), float(high)
    if low == high:
        query = f"{name}_min={low!r}&{name}_max={high!r}"
    elif name == "score":
        query = f"score_min={low!r}&score_max={high!r}" if last else f"score_min={low!r}&score_below={high!r}"
    else:
        query = f"{name}_min={low!r}&{name}_max={high if last else math.nextafter(high, -math.inf)!r}"
    if name == "turns":
        most = int(high) if low == high or last else math.ceil(high) - 1
        query = f"turns_min={math.ceil(low)}&turns_max={most}"
    return s.Bin(low=low, high=high, count=count, query=query)


def _stops(rows: Sequence[tuple[Any, ...]]) -> list[s.StopBar]:
    counts = Counter(row[1] or "running" for row in rows)
    return [
        s.StopBar(stop=stop, count=count, query=f"stop={stop}")
        for stop, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _errors(run: Run) -> list[s.ErrorBar]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for _, failure in run.store.failures(run.row.number):
        kinds[failure.type].append(failure.message)
    return [
        s.ErrorBar(
            type=kind,
            message=" ".join(messages[0].split())[:300],
            count=len(messages),
            query=f"error={_quoted(kind)}",
        )
        for kind, messages in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _metrics(run: Run, count: int) -> list[s.MetricLine]:
    """Means of the named numbers; of a very large run they are left out."""
    if not 0 < count <= _METRICS_UP_TO:
        return []
    values: dict[str, tuple[list[float], list[str]]] = defaultdict(lambda: ([], []))
    for task, text in run.store.columns(run.row.number, ("task", "metrics")):
        for name, value in msgspec.json.decode(text or "{}", type=dict[str, float | None]).items():
            if value is not None:
                values[name][0].append(value)
                values[name][1].append(task)
    return [
        s.MetricLine(name=name, value=runs.interval(clustered_mean(*given)))
        for name, given in sorted(values.items())
    ]


# What the logs tell -------------------------------------------------------------------------------------


def _solved(scores: Sequence[float | None]) -> float | None:
    """The score from which an episode counts as solved: 1, or the best there is where that is less.

    None where every score is a cost.
    """
    best = max((score for score in scores if score is not None), default=1.0)
    return None if best <= 0.0 else min(best, 1.0)


def _success(sample: Sample, ended: int, solved: float | None) -> s.SuccessByTurn | None:
    if not ended or solved is None:
        return None
    curve = success_by_turn(sample.logs, solved=solved).solved
    when: dict[int, list[int]] = defaultdict(list)
    for number, log in zip(sample.numbers, sample.logs, strict=True):
        score = log.score()
        turn = solved_at(log, solved=solved) if score is not None and score >= solved - 1e-9 else None
        if turn is not None:
            when[turn].append(number)
    points = [
        s.CurvePoint(
            turn=turn,
            share=runs.interval(share),
            query=f"numbers={','.join(map(str, when[turn]))}" if turn in when else "",
        )
        for turn, share in enumerate(curve, start=1)
    ]
    return s.SuccessByTurn(solved=solved, points=points, told_from=len(sample.logs), of=ended)


def _roles(sample: Sample, agents: dict[str, str]) -> list[s.RoleUse]:
    logs = sample.logs
    if not logs:
        return []
    names = ("input", "output", "cached", "reasoning", "cost")
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for log in logs:
        for call in log.calls:
            sums[call.role]["calls"] += 1
            if call.usage is not None:
                for name in names:
                    sums[call.role][name] += getattr(call.usage, name)
    seconds: dict[str, list[float]] = defaultdict(list)
    for timing in sample.timings:
        seconds[timing.key].append(timing.seconds)
    found: list[s.RoleUse] = []
    for role in (role for role in logs[0].roles if role in sums):
        p50, p95 = _quantiles(seconds.get(role, []))
        means = {name: sums[role][name] / len(logs) for name in ("calls", *names)}
        found.append(s.RoleUse(role=role, agent=agents.get(role), p50=p50, p95=p95, **means))
    return found


def _quantiles(seconds: Sequence[float]) -> tuple[float | None, float | None]:
    if not seconds:
        return None, None
    p50, p95 = (float(value) for value in np.quantile(np.array(seconds), [0.5, 0.95]))
    return (p50, p95) if p95 >= _WORTH_SECONDS else (None, None)


def _tools(logs: Sequence[EpisodeLog]) -> list[s.ToolUse]:
    calls: Counter[str] = Counter()
    callers: Counter[str] = Counter()
    for log in logs:
        mine = Counter(call.name for turn in log.turns for call in turn.message.tool_calls)
        calls += mine
        callers.update(mine.keys())
    return [s.ToolUse(name=name, calls=n, episodes=callers[name]) for name, n in calls.most_common(50)]


def _learning(run: Run) -> s.Learning | None:
    if run.row.kind != "train" or "train" not in run.row.provenance:
        return None
    curve = learning_curve(run)
    config = cast("dict[str, Any]", run.row.provenance["train"])
    per_step = config.get("tasks_per_step", 8) * config.get("group", 8)
    played = [
        s.LearningPoint(
            step=point.step,
            score=runs.interval(point.score),
            query=f"numbers={point.step * per_step}-{(point.step + 1) * per_step - 1}",
            run=None,
        )
        for point in curve.played
    ]
    names = {row.parent: row.id for row in reversed(run.store.runs()) if row.kind == "eval"}
    evaluated = [
        s.LearningPoint(
            step=point.step,
            score=runs.interval(point.score),
            query="",
            run=names.get(f"{run.id}@{point.step}"),
        )
        for point in curve.evaluated
    ]
    return s.Learning(played=played, evaluated=evaluated, numbers=series(run))
