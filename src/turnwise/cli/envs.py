"""`turnwise envs`: the environments that can be run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from turnwise.cli.options import JsonFlag


def command(
    name: Annotated[str | None, typer.Argument(help="One environment, with its settings.")] = None,
    json: JsonFlag = False,
) -> None:
    """List the environments that can be run."""
    from turnwise import registry
    from turnwise.cli import output

    names = list(registry.entries("environments")) if name is None else [name]
    found = [_describe(known) for known in names]
    if json:
        output.print_json(found)
        return
    from rich.table import Table

    if name is None:
        table = Table(box=None, pad_edge=False)
        for column in ("name", "roles", "agents", "what"):
            table.add_column(column)
        for one in found:
            roles = ", ".join([*one["roles"], *(f"[{role}]" for role in one["optional_roles"])])
            table.add_row(one["name"], roles, ", ".join(one["agents"]), one["what"])
    else:
        table = Table(box=None, pad_edge=False, title=found[0]["what"], title_justify="left")
        for column in ("setting", "default", "type"):
            table.add_column(column)
        for setting in found[0]["settings"]:
            table.add_row(setting["name"], str(setting["default"]), setting["type"])
    output.console().print(table)


def _describe(name: str) -> dict[str, Any]:
    import inspect

    import msgspec

    from turnwise import registry

    kind = registry.load("environments", name)
    made = kind()
    settings = [
        {"name": field.name, "default": getattr(made, field.name), "type": _type(field.type)}
        for field in msgspec.structs.fields(kind)
    ]
    return {
        "name": kind.name,
        "what": (inspect.getdoc(kind) or "").partition("\n")[0],
        "roles": list(kind.roles),
        "optional_roles": list(kind.optional_roles),
        "agents": list(made.agents()),
        "settings": settings,
        "capabilities": kind.capabilities,
    }


def _type(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
