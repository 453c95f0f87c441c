"""`turnwise export`: a run as files for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from turnwise.cli.options import JsonFlag, StoreFlag, open_store


class Format(StrEnum):
    """What to write."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    DATASETS = "datasets"


def command(
    run: Annotated[str, typer.Argument(help="Id of the run, the beginning of it, or `last`.")],
    to: Annotated[Path, typer.Option("--to", "-o", help="A file, or for `datasets` a folder.")],
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="By default from the name: .jsonl, .parquet, or a folder."),
    ] = None,
    store: StoreFlag = None,
    json: JsonFlag = False,
) -> None:
    """Write a run's episodes to files.

    Logs as JSON Lines, rows as Parquet, or a folder for Hugging Face datasets.
    """
    from turnwise.cli import output
    from turnwise.engine import export
    from turnwise.engine.results import Run

    opened = open_store(store)
    found = Run(opened, opened.run(run))
    if form is None:
        form = _form(to)
    count = getattr(export, form.value)(found, to)
    if json:
        output.print_json({"run": found.id, "episodes": count, "to": str(to), "format": form.value})
    else:
        output.console().print(f"{count:,} episodes of {found.id} in {to}")


def _form(to: Path) -> Format:
    """What the name of a place asks for."""
    from turnwise.errors import ConfigError

    if to.suffix and not to.is_dir() and to.suffix not in (".jsonl", ".parquet"):
        raise ConfigError(f"--to {to}: expected .jsonl, .parquet or a folder, or say what it is by --format")
    return {".jsonl": Format.JSONL, ".parquet": Format.PARQUET}.get(to.suffix, Format.DATASETS)
