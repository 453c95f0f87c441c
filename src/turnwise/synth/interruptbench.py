"""The next stage of an InterruptBench run: its errands, each cut after a share of what was done, as rows.

    turnwise run interruptbench --agent openai/gpt-4o-mini --set interrupt=false
    python -m turnwise.synth.interruptbench last --share 0.6 --to stage.jsonl
    turnwise run interruptbench --agent openai/gpt-4o-mini --tasks stage.jsonl

With `--chain` the next update alone comes, half-way through what followed the one before; give it the run of
the stage before, and again its own run, until all updates were brought.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from turnwise import wire
from turnwise.engine.results import Run
from turnwise.environments.service.interruptbench import Errand, chained, staged
from turnwise.errors import ConfigError, TurnwiseError
from turnwise.log import EpisodeLog
from turnwise.store.store import Store


def stage(run: Run, *, share: float | None = 0.6) -> list[Errand]:
    """The rows of the next stage.

    Args:
        run: Of `interruptbench`, played once a task; episodes that failed are left out.
        share: After what share of a baseline's actions to interrupt; None chains the updates.

    Raises:
        ConfigError: the run is of another environment.
        TaskError: every update was brought by now.
    """
    rows: list[Errand] = []
    for log in run.logs():
        if log.environment != "interruptbench":
            raise ConfigError(
                f"run {run.id} is of {log.environment!r}; a stage follows on a run of interruptbench"
            )
        if log.score() is None:
            continue
        errand = wire.from_builtins(log.task, Errand)
        done = actions(errand, log)
        rows.append(chained(errand, done) if share is None else staged(errand, done, share))
    return rows


def actions(errand: Errand, log: EpisodeLog) -> list[str]:
    """All actions of an episode, what it replayed included."""
    replayed = errand.prefix[: int(log.metrics.get("replayed", 0))]
    return [*replayed, *(turn.text for turn in log.turns if turn.role == "agent")]


def write(rows: list[Errand], to: str | Path) -> None:
    """Write rows as JSON Lines."""
    Path(to).write_bytes(b"".join(wire.encode(row) + b"\n" for row in rows))


def command(
    run: Annotated[str, typer.Argument(help="The run of the stage before, as in `turnwise show`.")],
    to: Annotated[Path, typer.Option(help="The file to write, JSON Lines.")],
    share: Annotated[float, typer.Option(help="After what share of the actions to interrupt.")] = 0.6,
    chain: Annotated[bool, typer.Option("--chain", help="Bring the next update alone.")] = False,
    store: Annotated[
        str | None, typer.Option(help="Where the run is; by default $TURNWISE_STORE or turnwise.db.")
    ] = None,
) -> None:
    """Write the rows of the next stage of an InterruptBench run."""
    try:
        kept = Store(store, create=False)
        try:
            rows = stage(Run(kept, kept.run(run)), share=None if chain else share)
        finally:
            kept.close()
        write(rows, to)
    except TurnwiseError as error:
        typer.echo(f"turnwise: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{len(rows)} errands in {to}")


if __name__ == "__main__":
    typer.run(command)
