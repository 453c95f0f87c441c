"""`turnwise`: the commands, and how errors end them."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import traceback

import typer

from turnwise.cli import (
    compare,
    demo,
    doctor,
    envs,
    export,
    fork,
    judge,
    ls,
    new,
    options,
    play,
    plot,
    render,
    replay,
    report,
    resume,
    run,
    serve_mcp,
    show,
    systems,
    train,
    view,
)
from turnwise.errors import TurnwiseError

app = typer.Typer(
    name="turnwise",
    help="Multi-turn interaction of language-model agents: run, train, resume, fork, replay, read and view.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS = (
    run,
    train,
    demo,
    ls,
    show,
    report,
    compare,
    resume,
    fork,
    replay,
    judge,
    new,
    export,
    plot,
    render,
    play,
    view,
    serve_mcp,
    envs,
    systems,
    doctor,
)
for module in COMMANDS:
    app.command(module.__name__.rpartition(".")[2].replace("_", "-"))(module.command)


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
    # A stream that was closed before we began is None, which few expect.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    code = _run()
    options.close_stores()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        # Whoever read the output had enough of it.
        pass
    except OSError as error:
        code = code or _say(f"cannot write the output: {error.strerror or error}")
    if "turnwise.learn.engine.ranks" in sys.modules:
        # Other processes wait for a word that is said at the interpreter's end.
        sys.exit(code)
    os._exit(code)


def _run() -> int:
    """The exit code of the command."""
    try:
        app()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except TurnwiseError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        # A full disk, a file that may not be read: the machine's, not ours.
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}")
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _say(line: str, code: int = 2) -> int:
    """Say what went wrong, on one line; gives the exit code."""
    with contextlib.suppress(OSError):
        print(f"turnwise: {' '.join(line.split())}", file=sys.stderr)
    return code
