"""`turnwise compare`: two runs on the same tasks, paired."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


def command(
    a: Annotated[str, typer.Argument(help="The run to compare with.")],
    b: Annotated[str, typer.Argument(help="The run that is compared.")],
    solved: Annotated[float, typer.Option(help="A task counts as solved from this mean score on.")] = 0.5,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Say whether run B is better than run A.

    Task by task: the difference with its interval, and p by permutation.
    """
    from turnwise.cli import output
    from turnwise.errors import ConfigError
    from turnwise.metrics import compare

    opened = open_store(store)
    runs = [opened.run(a), opened.run(b)]
    (tasks_a, scores_a), (tasks_b, scores_b) = (_scores(opened.columns(r.number, _COLUMNS)) for r in runs)
    result = compare(scores_a, tasks_a, scores_b, tasks_b, solved=solved)
    if result.a.n == 0:
        raise ConfigError(f"{runs[0].id} and {runs[1].id} have no scored task in common: nothing to compare")
    if json:
        output.print_json(
            {
                "a": runs[0].id,
                "b": runs[1].id,
                "tasks": result.a.n,
                "mean_a": result.a.mean,
                "mean_b": result.b.mean,
                "difference": {
                    "mean": result.difference.mean,
                    "low": result.difference.low,
                    "high": result.difference.high,
                },
                "bootstrap": {"low": result.bootstrap.low, "high": result.bootstrap.high},
                "p": result.p,
                "mcnemar": result.mcnemar,
                "gained": result.gained,
                "lost": result.lost,
                "only_a": len(result.only_a),
                "only_b": len(result.only_b),
            }
        )
        return
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_row("A", f"{runs[0].id}  {output.interval(result.a)}")
    table.add_row("B", f"{runs[1].id}  {output.interval(result.b)}")
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
    output.console().print(table)


_COLUMNS = ("task", "score")


def _scores(rows: list[tuple[str, float | None]]) -> tuple[list[str], list[float | None]]:
    return [task for task, _ in rows], [score for _, score in rows]
