"""`turnwise envs`: the environments that can be run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from turnwise.cli.options import JsonFlag

if TYPE_CHECKING:
    import msgspec


def command(
    name: Annotated[str | None, typer.Argument(help="One environment, with its settings.")] = None,
    json: JsonFlag = False,
) -> None:
    """List the environments that can be run."""
    from turnwise import registry
    from turnwise.cli import output

    if name is None:
        # One that cannot be loaded is told of, and hides no other.
        found = [_described(known) for known in registry.entries("environments")]
    else:
        found = [_describe(name)]
    if json:
        output.print_json(found)
        return
    console = output.console()
    if name is None:
        columns = [
            output.Column("name"),
            output.Column("roles", spare=1),
            output.Column("agents", spare=2),
            output.Column("what"),
        ]
        lines = [
            [
                one["name"],
                ", ".join([*one["roles"], *(f"[{role}]" for role in one["optional_roles"])]),
                ", ".join(one["agents"]),
                one["what"],
            ]
            for one in found
        ]
        table = output.table(columns, lines, console.width)
    else:
        if found[0]["what"]:
            console.print(found[0]["what"])
        columns = [output.Column("setting"), output.Column("default"), output.Column("type", spare=1)]
        lines = [[one["name"], str(one["default"]), one["type"]] for one in found[0]["settings"]]
        table = output.table(columns, lines, console.width)
    console.print(table)


def _described(name: str) -> dict[str, Any]:
    from turnwise.errors import ConfigError

    try:
        return _describe(name)
    except ConfigError as error:
        return {
            "name": name,
            "what": str(error),
            "roles": [],
            "optional_roles": [],
            "agents": [],
            "settings": [],
        }


def _describe(name: str) -> dict[str, Any]:
    import inspect

    import msgspec

    from turnwise.engine.resolve import environment_type

    kind = environment_type(name)
    settings = [
        {"name": field.name, "default": _default(field), "type": _type(field.type)}
        for field in msgspec.structs.fields(kind)
    ]
    # The agents are those of the default settings; one that needs a setting first tells none.
    made = None if any(field.required for field in msgspec.structs.fields(kind)) else kind()
    return {
        "name": kind.name,
        "what": inspect.cleandoc(kind.__doc__ or "").partition("\n")[0],
        "roles": list(kind.roles),
        "optional_roles": list(kind.optional_roles),
        "agents": [] if made is None else list(made.agents()),
        "settings": settings,
        "capabilities": kind.capabilities,
    }


def _default(field: msgspec.structs.FieldInfo) -> Any:
    import msgspec

    if field.required:
        return "needed"
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _type(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
