"""`turnwise fork`: another way on from any turn of any episode."""

from __future__ import annotations

from typing import Annotated

import typer

from turnwise.cli.options import AgentsFlag, JsonFlag, QuietFlag, StoreFlag, agents, open_store
from turnwise.cli.run import finish, watching


def command(
    episode: Annotated[str, typer.Argument(help="RUN/NUMBER")],
    at: Annotated[int, typer.Option("--at", help="The first turn to make anew (see `turnwise show`).")],
    seed: Annotated[int | None, typer.Option(help="Of all draws from there on.")] = None,
    agent: AgentsFlag = None,
    says: Annotated[str | None, typer.Option(help="What the agent says at that turn instead.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many ways to go on.")] = 1,
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Continue an episode another way from any turn.

    The fork is a run of its own; the original stays as it is.
    """
    import asyncio

    from turnwise.engine import launch, resolve

    opened = open_store(store)
    parent, _ = launch.find_episode(episode, opened)
    first = resolve.environment(parent.config).roles[0] if agent else ""
    work = launch.fork(
        episode,
        at,
        opened,
        seed=seed,
        agents=agents(agent, first),
        says=says,
        count=count,
        watch=watching(quiet=quiet),
    )
    finish(asyncio.run(work), quiet=quiet, json=json)
