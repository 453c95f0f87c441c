"""`turnwise play`: take part oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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

if TYPE_CHECKING:
    from turnwise.cli.player import Player
    from turnwise.engine.results import Run


def command(
    environment: Annotated[str, typer.Argument(help="A name of `turnwise envs`, or file.py:Class.")],
    role: Annotated[str | None, typer.Option("--as", help="The role to play; by default the first.")] = None,
    agent: AgentsFlag = None,
    setting: SettingsFlag = None,
    model_option: ModelFlag = None,
    task: Annotated[str | None, typer.Option("--task", help="Id of the task; by default the first.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all draws.")] = None,
    peek: Annotated[
        bool, typer.Option("--peek", help="Show the picture even where it gives away what is hidden.")
    ] = False,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Play one task at the terminal, by keys or by text.

    Agents fill the other roles. Ctrl-D leaves.
    """
    import asyncio

    from turnwise.agent import Agent
    from turnwise.cli import output
    from turnwise.cli.options import first_role
    from turnwise.cli.player import Player
    from turnwise.cli.transcript import print_episode
    from turnwise.engine import launch, resolve

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
    player = Player()
    given = resolve.Given(agents={mine: Agent(player)})
    show = player.show if peek or not resolve.environment(config).spoilers else None
    try:
        run = asyncio.run(launch.start(config, open_store(store, create=True), given=given, show=show))
    finally:
        player.leave()
    if player.in_place:
        _print_end(run, player)
    else:
        print_episode(f"{run.id}/0", run.episode(0), output.console())
    if json:
        output.print_json(run.summary())


def _print_end(run: Run, player: Player) -> None:
    """How it ended: the last picture, the last word, and what it was worth."""
    from rich.text import Text

    from turnwise.cli import output
    from turnwise.cli.player import drawn

    log, console = run.episode(0), output.console()
    if player.picture is not None:
        console.out(drawn(player.picture), end="", highlight=False)
    last = next((turn for turn in reversed(log.turns) if turn.role == "environment"), None)
    if last is not None and last is log.turns[-1]:
        console.print(Text(f"\n{output.clean(last.text)}"))
    stop = "not ended" if log.stop is None else log.stop.value + (f" ({log.detail})" if log.detail else "")
    console.print(
        Text.assemble(f"\nstop: {output.clean(stop)}  score: ", (output.number(log.score()), "bold"))
    )
    told = f"{run.id}/0: turnwise show, turnwise render --gif"
    console.print(Text(told if log.error is None else output.one_line(log.error.message, 200), style="dim"))
