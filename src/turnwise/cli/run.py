"""`turnwise run`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from turnwise.cli import checks
from turnwise.cli.checks import BaselineFlag, FailUnderFlag, JunitFlag, MarkdownFlag, MaxLostFlag, SolvedFlag
from turnwise.cli.options import (
    AgentsFlag,
    JsonFlag,
    ModelFlag,
    QuietFlag,
    SettingsFlag,
    StoreFlag,
    open_store,
    run_config,
    with_sampling,
)

if TYPE_CHECKING:
    from turnwise.engine.launch import Watch
    from turnwise.engine.report import Check
    from turnwise.engine.results import Run


def command(
    environment: Annotated[
        str | None, typer.Argument(help="A name of `turnwise envs`, or file.py:Class.")
    ] = None,
    agent: AgentsFlag = None,
    setting: SettingsFlag = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A TOML file; flags go before its keys.")
    ] = None,
    tasks: Annotated[Path | None, typer.Option(help="A .jsonl, .toml or .parquet file of tasks.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="Only the first tasks.")] = None,
    offset: Annotated[int | None, typer.Option(help="Leave out so many tasks first.")] = None,
    task: Annotated[list[str] | None, typer.Option("--task", help="Only the task of this id.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", "-e", help="Play each task so often.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of all draws of the run.")] = None,
    concurrency: Annotated[int | None, typer.Option(help="Most episodes at a time.")] = None,
    max_errors: Annotated[
        float | None, typer.Option(help="Stop after so many failed episodes, or below 1 this share of all.")
    ] = None,
    max_turns: Annotated[int | None, typer.Option(help="Most turns of agents in an episode.")] = None,
    max_tool_calls: Annotated[int | None, typer.Option(help="Most tool calls in an episode.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most sampled tokens in an episode.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most money for an episode.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Most wall time of an episode.")] = None,
    model_option: ModelFlag = None,
    temperature: Annotated[float | None, typer.Option(help="Of all agents' models.")] = None,
    max_sample: Annotated[int | None, typer.Option(help="Most tokens of one reply.")] = None,
    connections: Annotated[int | None, typer.Option(help="Most calls of one model at a time.")] = None,
    rpm: Annotated[float | None, typer.Option(help="Most requests a minute to one model.")] = None,
    tpm: Annotated[float | None, typer.Option(help="Most tokens a minute to one model.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Most seconds for one call.")] = None,
    attempts: Annotated[int | None, typer.Option(help="Most attempts for one call.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Keep model calls in this folder, by content.")] = None,
    fail_under: FailUnderFlag = None,
    baseline: BaselineFlag = None,
    max_lost: MaxLostFlag = None,
    solved: SolvedFlag = 0.5,
    junit: JunitFlag = None,
    markdown: MarkdownFlag = None,
    store: StoreFlag = None,
    quiet: QuietFlag = False,
    json: JsonFlag = False,
) -> None:
    """Play an environment, keep every turn, say how well it went."""
    import asyncio

    from turnwise.engine import launch

    flags = checks.wanted(fail_under, baseline, max_lost, solved, junit, markdown)
    wanted = run_config(
        environment,
        config,
        agent,
        setting,
        model_option,
        tasks=None if tasks is None else str(tasks),
        limit=limit,
        offset=offset,
        ids=task or None,
        epochs=epochs,
        seed=seed,
        concurrency=concurrency,
        max_errors=max_errors,
        limits__turns=max_turns,
        limits__tool_calls=max_tool_calls,
        limits__tokens=max_tokens,
        limits__cost=max_cost,
        limits__seconds=max_seconds,
        calls__concurrency=connections,
        calls__requests_per_minute=rpm,
        calls__tokens_per_minute=tpm,
        calls__timeout_seconds=timeout,
        calls__attempts=attempts,
        cache=None if cache is None else str(cache),
    )
    wanted = with_sampling(wanted, temperature=temperature, max_tokens=max_sample)
    opened = open_store(store, create=True)
    earlier = checks.settle(flags, wanted, opened)
    try:
        run = asyncio.run(launch.start(wanted, opened, watch=watching(quiet=quiet)))
    except launch.RunStopped as stopped:
        checks.checked(stopped.run, flags, earlier)
        raise
    finish(run, quiet=quiet, json=json, checked=checks.checked(run, flags, earlier))


def watching(*, quiet: bool) -> Watch | None:
    """What shows progress, unless it is not wanted."""
    if quiet:
        return None
    from turnwise.cli.progress import Progress

    return Progress


def finish(run: Run, *, quiet: bool, json: bool, checked: tuple[Check, ...] = ()) -> None:
    """Say how a run went, and what can be done with it now.

    Raises:
        TurnwiseError: none of its episodes came through, or a check failed.
    """
    from turnwise.cli import output
    from turnwise.cli.show import print_run
    from turnwise.errors import TurnwiseError

    if not quiet:
        print_run(run, output.console(), episodes=0)
        for check in checked:
            if check.passed:
                output.console().print(f"passed: {check.line}", style="green")
        output.console().print(f"\nRead it: turnwise show {run.id}", style="dim")
    summary = run.summary()
    if json:
        whole = summary | {"retries": run.retries()}
        output.print_json({**whole, "checks": checked} if checked else whole)
    if summary["episodes"] and summary["failed"] == summary["episodes"]:
        raise TurnwiseError(
            f"every episode failed, see: turnwise show {run.id}; to try again: turnwise resume {run.id}"
        )
    checks.judge(checked)
