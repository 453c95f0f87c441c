"""Runs on the same tasks: differences paired by task, the tasks that changed, two episodes side by side."""

from __future__ import annotations

import difflib
from collections.abc import Container, Mapping
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog, Turn
from turnwise.metrics import Comparison, compare
from turnwise.view.reading import charts, runs
from turnwise.view.reading.source import Found, Source
from turnwise.view.server import shapes as s

_RUNS = 8
_NAMED = 20
"""Episodes of a task that are named."""
_ALIGNED = 4_000
"""Turns beyond which what follows the shared beginning is laid side by side by number alone."""


class _Task(NamedTuple):
    """A task in all runs."""

    means: tuple[float | None, ...]
    episodes: tuple[tuple[int, ...], ...]
    verdict: str


def page(source: Source, query: s.CompareQuery, *, here: Container[str] = ()) -> s.ComparePage:
    """Runs paired by task; each further one against the first.

    Raises:
        ConfigError: fewer than two runs are named, or more than eight.
        MissingError: there is no such run.
    """
    names = list(dict.fromkeys(name.strip() for name in query.runs.split(",") if name.strip()))
    if not 2 <= len(names) <= _RUNS:
        raise ConfigError(f"runs: expected 2 to {_RUNS} different ids, separated by commas")
    found = [source.run(name) for name in names]
    lines = runs.lines(source, [run.row for run in found], here=here)
    key = ("compared", query.solved, *((line.id, line.done, line.ended) for line in lines))
    pairs, tasks = source.cache.get(
        key, lambda: _compared(found, query.solved), weight=lambda got: len(got[1])
    )
    fitting = [(name, task) for name, task in tasks.items() if _shown(task.verdict, query.show)]
    shown = fitting[query.offset : query.offset + query.limit]
    best = [line.score.mean for line in lines if line.score.mean is not None]
    return s.ComparePage(
        runs=lines,
        pairs=pairs,
        rows=[_row(name, task) for name, task in shown],
        total=len(fitting),
        offset=query.offset,
        curves=[
            charts.success(source, run, solved=1.0 if any(b > 0 for b in best) else None) for run in found
        ],
    )


def align(a: Found, b: Found) -> s.AlignPage:
    """Two episodes turn by turn: the same beginning, then turns of the same role side by side."""
    left, right = a.log.turns, b.log.turns
    shared = 0
    while shared < min(len(left), len(right)) and _says(left[shared]) == _says(right[shared]):
        shared += 1
    rows = [s.AlignRow(a=place, b=place, same=True) for place in range(shared)]
    return s.AlignPage(a=a.name, b=b.name, rows=[*rows, *_rest(a.log, b.log, shared)], shared=shared)


# Inside -----------------------------------------------------------------------------------------------


def _compared(found: list[Run], solved: float) -> tuple[list[s.Pair], dict[str, _Task]]:
    columns = [run.store.columns(run.row.number, ("task", "score", "number")) for run in found]
    tasks = [[row[0] for row in rows] for rows in columns]
    scores = [[row[1] for row in rows] for rows in columns]
    results = [compare(scores[0], tasks[0], scores[n], tasks[n], solved=solved) for n in range(1, len(found))]
    pairs = [_pair(found[0].id, run.id, result) for run, result in zip(found[1:], results, strict=True)]
    return pairs, _tasks(columns, results[0])


def _pair(a: str, b: str, result: Comparison) -> s.Pair:
    def finite(value: float | None) -> float | None:
        return value if value is not None and isfinite(value) else None

    return s.Pair(
        a=a,
        b=b,
        tasks=result.a.n,
        mean_a=runs.interval(result.a),
        mean_b=runs.interval(result.b),
        difference=runs.interval(result.difference),
        bootstrap=runs.interval(result.bootstrap),
        p=finite(result.p),
        exact=result.exact,
        mcnemar=finite(result.mcnemar),
        gained=len(result.gained),
        lost=len(result.lost),
        improved=len(result.improved),
        worse=len(result.worse),
        same=result.same,
        only_a=len(result.only_a),
        only_b=len(result.only_b),
    )


def _tasks(columns: list[list[tuple[Any, ...]]], result: Comparison) -> dict[str, _Task]:
    """Every task of any run, in the first run's order, with what the second run changed."""
    verdicts: dict[Any, str] = dict.fromkeys((*result.only_a, *result.only_b), "alone")
    for name in ("improved", "worse", "gained", "lost"):
        verdicts |= dict.fromkeys(getattr(result, name), name)
    found: dict[str, list[list[tuple[int, float | None]]]] = {}
    for place, rows in enumerate(columns):
        for task, score, number in rows:
            found.setdefault(task, [[] for _ in columns])[place].append((number, score))
    return {
        task: _Task(
            tuple(_mean([score for _, score in mine]) for mine in by_run),
            tuple(tuple(number for number, _ in mine[:_NAMED]) for mine in by_run),
            verdicts.get(task, "same" if all(by_run[:2]) else "alone"),
        )
        for task, by_run in found.items()
    }


def _mean(scores: list[float | None]) -> float | None:
    given = [score for score in scores if score is not None]
    return sum(given) / len(given) if given else None


def _shown(verdict: str, show: str) -> bool:
    wider: Mapping[str, tuple[str, ...]] = {
        "flipped": ("gained", "lost"),
        "improved": ("gained", "improved"),
        "worse": ("lost", "worse"),
    }
    return show == "all" or verdict in wider.get(show, (show,))


def _row(name: str, task: _Task) -> s.TaskRow:
    verdict: Any = task.verdict
    return s.TaskRow(
        task=name, means=list(task.means), episodes=[list(mine) for mine in task.episodes], verdict=verdict
    )


def _says(turn: Turn) -> tuple[str, bytes]:
    message = turn.message
    return turn.role, msgspec.msgpack.encode((message.content, message.tool_calls, message.tool_call_id))


def _rest(a: EpisodeLog, b: EpisodeLog, start: int) -> list[s.AlignRow]:
    """What follows the shared beginning: matched by who speaks, said the same or not."""
    left, right = a.turns[start:], b.turns[start:]
    if max(len(left), len(right)) > _ALIGNED:
        most = max(len(left), len(right))
        pairs = [(n if n < len(left) else None, n if n < len(right) else None) for n in range(most)]
    else:
        pairs = _matched([turn.role for turn in left], [turn.role for turn in right])
    rows: list[s.AlignRow] = []
    for n, m in pairs:
        same = n is not None and m is not None and _says(left[n]) == _says(right[m])
        rows.append(
            s.AlignRow(a=None if n is None else start + n, b=None if m is None else start + m, same=same)
        )
    return rows


def _matched(a: list[str], b: list[str]) -> list[tuple[int | None, int | None]]:
    pairs: list[tuple[int | None, int | None]] = []
    for op, a0, a1, b0, b1 in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if op == "equal":
            pairs += zip(range(a0, a1), range(b0, b1), strict=True)
        else:
            pairs += [(n, None) for n in range(a0, a1)]
            pairs += [(None, m) for m in range(b0, b1)]
    return pairs
