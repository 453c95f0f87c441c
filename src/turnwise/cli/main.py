"""`turnwise`: the commands, and how errors end them."""

from __future__ import annotations

import gc
import os
import sys
import traceback

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
    # A command reads many rows and ends: neither collecting cycles nor tidying up is worth its time.
    gc.set_threshold(100_000, 50, 50)
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # Whoever read the output had enough of it.
        pass
    os._exit(code)


def _run() -> int:
    """The exit code of the command."""
    try:
        app()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except TurnwiseError as error:
        print(f"turnwise: {' '.join(str(error).split())}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except Exception:
        traceback.print_exc()
        return 1
    return 0
