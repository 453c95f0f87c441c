"""`turnwise report`: a stored run as a suite of tests."""

from __future__ import annotations

from typing import Annotated

import typer

from turnwise.cli import checks
from turnwise.cli.checks import BaselineFlag, FailUnderFlag, JunitFlag, MarkdownFlag, MaxLostFlag, SolvedFlag
from turnwise.cli.options import JsonFlag, StoreFlag, open_store


def command(
    run: Annotated[str, typer.Argument(help="Id of the run, the beginning of it, or `last`.")] = "last",
    fail_under: FailUnderFlag = None,
    baseline: BaselineFlag = None,
    max_lost: MaxLostFlag = None,
    solved: SolvedFlag = 0.5,
    junit: JunitFlag = None,
    markdown: MarkdownFlag = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Report on a stored run, task by task, and hold it against what is asked of it.

    The report is printed as Markdown, unless a file is named for it.
    """
    from turnwise.cli import output
    from turnwise.engine import report as reports
    from turnwise.engine.results import Run

    flags = checks.wanted(fail_under, baseline, max_lost, solved, junit, markdown)
    opened = open_store(store)
    found = Run(opened, opened.run(run))
    earlier = checks.settle(flags, found.config, opened, before=found.row.number)
    held = checks.checked(found, flags, earlier)
    if json or (junit is None and markdown is None):
        told = reports.report(found, solved=solved, checks=held)
        if json:
            output.print_json(told)
        else:
            typer.echo(reports.markdown(told), nl=False)
    checks.judge(held)
