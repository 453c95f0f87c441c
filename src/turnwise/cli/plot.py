"""`turnwise plot`: runs as pictures."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


class Kind(StrEnum):
    """What to draw."""

    TURNS = "turns"
    COST = "cost"
    LEARNING = "learning"


def command(
    run: Annotated[list[str], typer.Argument(help="One run or several.")],
    to: Annotated[Path | None, typer.Option("--to", "-o", help="A .png or .svg file.")] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--kind",
            "-k",
            help="Success by turn, success against cost, or the learning curve (of trainings the default).",
        ),
    ] = None,
    solved: Annotated[float, typer.Option(help="The score from which an episode counts as solved.")] = 1.0,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Draw success by turn, against cost, or over the steps of a training."""
    from turnwise.cli import output
    from turnwise.engine import plots
    from turnwise.engine.results import Run

    opened = open_store(store)
    runs = [Run(opened, opened.run(name)) for name in run]
    kind = kind or (Kind.LEARNING if runs[0].row.kind == "train" else Kind.TURNS)
    path = to or Path(f"{runs[0].id}-{kind.value}.png")
    if kind is Kind.TURNS:
        plots.success_by_turn(runs, path, solved=solved)
    elif kind is Kind.LEARNING:
        plots.learning_curves(runs, path)
    else:
        plots.success_against_cost(runs, path)
    if json:
        output.print_json({"runs": [one.id for one in runs], "kind": kind.value, "to": str(path)})
    else:
        output.console().print(str(path))
