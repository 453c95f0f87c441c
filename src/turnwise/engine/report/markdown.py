"""A report, or a comparison, as Markdown: for a pull request, a step's summary, people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from turnwise.engine.report.checks import Check, interval
from turnwise.engine.report.outcome import Played, Report
from turnwise.engine.results import Run
from turnwise.metrics import Comparison

_MOST = 200
"""Tasks that are listed, those that did not pass first."""
_ORDER = {"error": 0, "failed": 1, "passed": 2}


def markdown(report: Report) -> str:
    """A heading with the score, what was asked of it, and a table of tasks."""
    who = ", ".join(f"{role} {_code(name)}" for role, name in report.agents.items())
    lines = [
        f"# {_plain(report.environment)}: {interval(report.score)}",
        "",
        f"{report.passed} of {len(report.tasks)} tasks passed. {report.episodes} episodes of run "
        f"{_code(report.run)}, seed {report.seed}; {who}.",
        "",
        *_checks(report.checks),
    ]
    shown = sorted(report.tasks, key=lambda played: _ORDER[played.result])
    rows = [_row(played) for played in shown[:_MOST]]
    lines += _table(("task", "", "score", "of episodes", "why"), rows, right=(2, 3))
    if len(shown) > _MOST:
        lines += ["", f"… {len(shown) - _MOST} more."]
    if report.passed < len(report.tasks):
        lines += ["", f"To read one: {_code('turnwise show ' + shown[0].tries[0].episode)}"]
    return "\n".join(lines) + "\n"


def compared(a: Run, b: Run, found: Comparison, checks: Sequence[Check] = ()) -> str:
    """Run B against run A."""
    exact = "all" if found.exact else f"{found.flips:,}"
    rows: list[Sequence[str]] = [
        ("A", f"{_code(a.id)}", interval(found.a)),
        ("B", f"{_code(b.id)}", interval(found.b)),
        ("B - A", f"t over {found.a.n} tasks", interval(found.difference)),
        ("", "bootstrap", interval(found.bootstrap)),
        ("p", f"permutation, {exact} sign patterns", f"{found.p:.4g}"),
    ]
    lines = [f"# {_plain(b.row.environment)}: B - A is {interval(found.difference)}", "", *_checks(checks)]
    lines += [*_table(("", "", "score"), rows, right=(2,)), ""]
    lines.append(f"{len(found.improved)} tasks better, {len(found.worse)} worse, {found.same} the same.")
    for name, tasks in (("Gained", found.gained), ("Lost", found.lost)):
        if tasks:
            more = f" and {len(tasks) - _MOST} more" if len(tasks) > _MOST else ""
            lines += ["", f"{name}: {', '.join(_code(str(task)) for task in tasks[:_MOST])}{more}."]
    alone = len(found.only_a) + len(found.only_b)
    if alone:
        lines += ["", f"{alone} tasks that only one run scored are left out."]
    return "\n".join(lines) + "\n"


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    lines = [f"- {'passed' if check.passed else '**failed**'}: {_plain(check.line)}" for check in checks]
    return [*lines, ""]


def _row(played: Played) -> tuple[str, ...]:
    score = "-" if played.score is None else f"{played.score:.3g}"
    result = "passed" if played.result == "passed" else f"**{played.result}**"
    return _code(played.task), result, score, str(len(played.tries)), _why(played)


def _why(played: Played) -> str:
    """The first reason, and where it is to be read."""
    for one in played.tries:
        if one.reasons and played.result != "passed":
            first, *more = one.reasons
            others = f" (+{len(more)})" if more else ""
            return f"{_plain(first)}{others} {_code(one.episode)}"
    return ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> list[str]:
    rule = tuple("---:" if place in right else "---" for place in range(len(heads)))
    return [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]


def _plain(text: str) -> str:
    """Text that others may have written, as nothing but text."""
    flat = " ".join(text.split())
    return re.sub(r"([\\`*<>|~&]|(?<!\w)_|_(?!\w)|(?<=\])\()", r"\\\1", flat)


def _code(text: str) -> str:
    """Text as code; a tick in it would end it, a bar the cell."""
    return f"`{' '.join(text.split()).replace('`', chr(0x2CB)).replace('|', chr(0x2223))}`"
