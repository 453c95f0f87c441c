"""`turnwise systems`: the published systems that run here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from turnwise.cli.options import JsonFlag


def command(
    name: Annotated[str | None, typer.Argument(help="One system, in full.")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "-t", help="Only systems with this tag, e.g. IF, recollection."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """List the published systems that run here."""
    from rich.table import Table
    from rich.text import Text

    from turnwise.catalogue import catalogue
    from turnwise.cli import output
    from turnwise.errors import ConfigError, did_you_mean

    systems = catalogue()
    if name is not None:
        if name not in systems:
            near = did_you_mean(name, systems) or f"; known: {', '.join(systems)}"
            raise ConfigError(f"unknown system {name!r}{near}")
        systems = {name: systems[name]}
    for wanted in tag or ():
        systems = {key: one for key, one in systems.items() if wanted in one.tags}
    if json:
        output.print_json([{"name": key, **_plain(one)} for key, one in systems.items()])
        return
    if name is None:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
        for column in ("name", "kind", "paper", "what is here, and how to run it"):
            table.add_column(column)
        for key, one in systems.items():
            how = "\n".join(_commands("run", one.run) + _commands("study", one.study))
            what = Text.assemble(one.here, "\n", (", ".join(one.tags), "dim"), "\n", (how, "cyan"))
            table.add_row(key, one.kind, one.paper, what)
    else:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        for key, value in _plain(systems[name]).items():
            if key in ("run", "study"):
                table.add_row(key, "\n".join(_commands(key, value)))
            else:
                shown = cast("list[Any]", value) if isinstance(value, (list, tuple)) else [value]
                table.add_row(key, ", ".join(str(one) for one in shown))
    output.console().print(table)


def _commands(kind: str, lines: Sequence[str]) -> list[str]:
    """As they are typed."""
    return [f"turnwise {line}" if kind == "run" else line for line in lines]


def _plain(system: Any) -> dict[str, Any]:
    import msgspec

    return {key: value for key, value in msgspec.to_builtins(system).items() if value not in ((), None)}
