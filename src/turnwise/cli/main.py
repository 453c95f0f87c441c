"""`turnwise`: the commands, and how errors end them."""

from __future__ import annotations

import sys

import typer

from turnwise.cli import (
    compare,
    doctor,
    envs,
    export,
    fork,
    ls,
    play,
    plot,
    replay,
    resume,
    run,
    show,
    systems,
)
from turnwise.errors import TurnwiseError

app = typer.Typer(
    name="turnwise",
    help="Multi-turn interaction of language-model agents: run, resume, fork, replay and read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (run, ls, show, compare, resume, fork, replay, export, plot, play, envs, systems, doctor):
    app.command(module.__name__.rpartition(".")[2])(module.command)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Say the version and stop.")) -> None:
    if version:
        from turnwise import __version__

        print(f"turnwise {__version__}")
        raise typer.Exit


def main() -> None:
    """Run a command; what the caller can mend ends it with one line and exit code 2."""
    try:
        app()
    except TurnwiseError as error:
        print(f"turnwise: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read the output has enough of it.
        sys.stderr.close()
        sys.exit(0)
