"""`turnwise resume`: go on where a run stopped."""

from __future__ import annotations

from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag, QuietFlag, StoreFlag, open_store
from turnwise.cli.run import finish, watching


def command(
    run: Annotated[str, typer.Argument(help="Id of the run, the beginning of it, or `last`.")] = "last",
    keep_failed: Annotated[bool, typer.Option(help="Do not try failed episodes again.")] = False,
    concurrency: Annotated[int | None, typer.Option(help="Most episodes at a time from now on.")] = None,
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Go on with a run where it stopped.

    Nothing that is recorded is asked for again; failed episodes are tried again.
    """
    import asyncio

    from turnwise.cli.train import follows
    from turnwise.engine import launch

    if follows():
        return
    opened = open_store(store)
    if opened.run(run).kind == "train":
        from turnwise.cli.train import go_on

        finish(go_on(run, opened, quiet=quiet), quiet=quiet, json=json)
        return
    work = launch.resume(
        run, opened, retry=not keep_failed, concurrency=concurrency, watch=watching(quiet=quiet)
    )
    finish(asyncio.run(work), quiet=quiet, json=json)
