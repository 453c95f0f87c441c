"""`turnwise replay`: the scripts again over their logs, with no model."""

from __future__ import annotations

from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


def command(
    run: Annotated[str, typer.Argument(help="A run, or one episode as RUN/NUMBER.")] = "last",
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Run stored episodes again, with no model.

    Says whether each came out the same.
    """
    import asyncio

    from turnwise.cli import output
    from turnwise.engine import launch

    result = asyncio.run(launch.replay(run, open_store(store)))
    for episode, error in list(result.errors.items())[:20]:
        output.console(stderr=True).print(f"{episode}: {output.one_line(error, 400)}")
    if json:
        output.print_json({"replayed": result.replayed, "diverged": result.diverged})
    else:
        output.console().print(f"{result.replayed} replayed, {result.diverged} diverged")
    if result.diverged:
        raise typer.Exit(1)
