"""`turnwise compare`: two runs on the same tasks, paired."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli import checks
from turnwise.cli.checks import SolvedFlag
from turnwise.cli.options import JsonFlag, StoreFlag, open_store

if TYPE_CHECKING:
    from rich.console import RenderableType

    from turnwise.engine.results import Run
    from turnwise.metrics import Comparison


def command(
    a: Annotated[str, typer.Argument(help="The run to compare with.")],
    b: Annotated[str, typer.Argument(help="The run that is compared.")],
    solved: SolvedFlag = 0.5,
    fail_on_regression: Annotated[
        bool, typer.Option("--fail-on-regression", help="Exit with 1 where B is significantly worse than A.")
    ] = False,
    max_lost: Annotated[
        int | None,
        typer.Option(min=0, help="Exit with 1 where more tasks than this, solved in A, are not in B."),
    ] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write a Markdown report here.")] = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Say whether run B is better than run A.

    Task by task: the difference with its interval, and p by permutation.
    """
    from turnwise.cli import output
    from turnwise.engine import report
    from turnwise.engine.results import Run

    checks.writable("--markdown", markdown)
    opened = open_store(store)
    before, after = (Run(opened, opened.run(name)) for name in (a, b))
    result = report.paired(before, after, solved=solved)
    checked: tuple[report.Check, ...] = ()
    if fail_on_regression or max_lost is not None:
        checked = (report.regression(before, result, most_lost=max_lost, falls=fail_on_regression),)
    if markdown is not None:
        checks.write("--markdown", markdown, report.compared(before, after, result, checked))
    if json:
        output.print_json(_plain(before, after, result) | ({"checks": checked} if checked else {}))
    else:
        output.console().print(_table(before, after, result))
    checks.judge(checked)


def _plain(a: Run, b: Run, result: Comparison) -> dict[str, Any]:
    difference, drawn = result.difference, result.bootstrap
    return {
        "a": a.id,
        "b": b.id,
        "tasks": result.a.n,
        "mean_a": result.a.mean,
        "mean_b": result.b.mean,
        "difference": {"mean": difference.mean, "low": difference.low, "high": difference.high},
        "bootstrap": {"low": drawn.low, "high": drawn.high},
        "p": result.p,
        "mcnemar": result.mcnemar,
        "gained": result.gained,
        "lost": result.lost,
        "only_a": len(result.only_a),
        "only_b": len(result.only_b),
    }


def _table(a: Run, b: Run, result: Comparison) -> RenderableType:
    from rich.table import Table

    from turnwise.cli import output

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("A", f"{a.id}  {output.interval(result.a)}")
    table.add_row("B", f"{b.id}  {output.interval(result.b)}")
    table.add_row("B - A", f"{output.interval(result.difference)}  95 %, t over {result.a.n} tasks")
    table.add_row("", f"{output.interval(result.bootstrap)}  bootstrap")
    how = "all sign patterns" if result.exact else f"{result.flips:,} sign patterns"
    table.add_row("p", f"{result.p:.4g}  permutation of signs, {how}")
    if result.mcnemar is not None and not math.isnan(result.mcnemar):
        table.add_row("", f"{result.mcnemar:.4g}  exact McNemar")
    changes = f"{len(result.improved)} better, {len(result.worse)} worse, {result.same} the same"
    table.add_row("tasks", changes)
    for name, tasks in (("gained", result.gained), ("lost", result.lost)):
        if tasks:
            table.add_row(name, output.one_line(", ".join(map(str, tasks)), 100))
    alone = len(result.only_a) + len(result.only_b)
    if alone:
        table.add_row("left out", f"{alone} tasks that only one run scored")
    return table
