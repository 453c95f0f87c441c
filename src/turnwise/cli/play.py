"""`turnwise play`: take part oneself."""

from __future__ import annotations

from typing import Annotated

import typer

from turnwise.cli.options import (
    AgentsFlag,
    JsonFlag,
    ModelFlag,
    SettingsFlag,
    StoreFlag,
    open_store,
    run_config,
)


def command(
    environment: Annotated[str, typer.Argument(help="A name of `turnwise envs`, or file.py:Class.")],
    role: Annotated[str | None, typer.Option("--as", help="The role to play; by default the first.")] = None,
    agent: AgentsFlag = None,
    setting: SettingsFlag = None,
    model_option: ModelFlag = None,
    task: Annotated[str | None, typer.Option("--task", help="Id of the task; by default the first.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all draws.")] = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Play one task at the terminal.

    Agents fill the other roles. Ctrl-D leaves.
    """
    import asyncio

    from turnwise.cli import output
    from turnwise.cli.options import first_role
    from turnwise.cli.transcript import print_episode
    from turnwise.engine import launch

    mine = role or first_role(environment)
    config = run_config(
        environment,
        None,
        [*(agent or ()), f"{mine}=human"],
        setting,
        model_option,
        ids=None if task is None else [task],
        limit=1 if task is None else None,
        seed=seed,
        concurrency=1,
    )
    run = asyncio.run(launch.start(config, open_store(store, create=True)))
    print_episode(f"{run.id}/0", run.episode(0), output.console())
    if json:
        output.print_json(run.summary())
