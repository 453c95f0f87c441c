"""Flags that several commands share, and how they become a config."""

from __future__ import annotations

import contextlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from turnwise.errors import ConfigError

if TYPE_CHECKING:
    from turnwise.engine.config import RunConfig
    from turnwise.store.store import Store

StoreFlag: TypeAlias = Annotated[
    str | None,
    typer.Option("--store", help="A path or postgresql://URL; by default $TURNWISE_STORE or turnwise.db."),
]
JsonFlag: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line.")]
QuietFlag: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
AgentsFlag: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--agent",
        "-a",
        metavar="[ROLE=]NAME",
        help="Who fills the first role, or ROLE: solver, random, human, openai/MODEL, hf/PATH, "
        "http://HOST/PATH, file.py:NAME.",
    ),
]
SettingsFlag: TypeAlias = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting of the environment.")
]
ModelFlag: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--model-option",
        "-m",
        metavar="[MODEL:]KEY=VALUE",
        help="An option of the models, e.g. base_url=URL.",
    ),
]


def open_store(place: str | None, *, create: bool = False) -> Store:
    """The store a flag names; for reading, it must be there."""
    from turnwise.store.store import Store

    opened = Store(place, create=create)
    _opened.append(opened)
    return opened


_opened: list[Store] = []


def close_stores() -> None:
    """Let go of the stores that were opened, so that all of an embedded one is in its one file."""
    from turnwise.errors import StoreError

    while _opened:
        store = _opened.pop()
        with contextlib.suppress(StoreError), store.trouble("close"):
            store.close()


def pairs(flags: list[str] | None, flag: str) -> dict[str, str]:
    """`KEY=VALUE` flags as a dict.

    Raises:
        ConfigError: one has no `=`.
    """
    found: dict[str, str] = {}
    for text in flags or ():
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"{flag} {text!r}: expected KEY=VALUE")
        found[key] = value
    return found


def value(text: str) -> Any:
    """A flag's value as TOML reads it (`3`, `true`, `[1, 2]`), or else the text itself."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def agents(flags: list[str] | None, first: str) -> dict[str, str]:
    """`--agent` flags by role; a name alone is for the first role."""
    found: dict[str, str] = {}
    for text in flags or ():
        role, equals, name = text.partition("=")
        if not equals or "/" in role or ":" in role:
            role, name = first, text
        if role in found:
            raise ConfigError(f"--agent: the role {role!r} is filled twice: {found[role]!r} and {name!r}")
        found[role] = name
    return found


def first_role(environment: str) -> str:
    """The role that an agent named alone fills."""
    from turnwise.engine.resolve import environment_type

    return environment_type(environment).roles[0]


def model_options(flags: list[str] | None, config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Options of models: those of a config file, and flags for one model or all that are named."""
    from turnwise.engine.resolve import is_model

    options: dict[str, dict[str, Any]] = {
        name: dict(given) for name, given in config.get("models", {}).items()
    }
    named = [
        _thinker(agent if isinstance(agent, str) else agent.get("use", ""))
        for agent in config.get("agents", {}).values()
    ]
    for key, text in pairs(flags, "--model-option").items():
        model, colon, option = key.rpartition(":")
        for name in [model] if colon else [name for name in named if is_model(name)]:
            options.setdefault(name, {})[option if colon else key] = value(text)
    return options


def _thinker(name: str) -> str:
    """An agent's name without the scaffold before it (`codeact:openai/MODEL`)."""
    from turnwise import registry

    return name if registry.scheme("agents", name) is None else name.partition(":")[2]


def run_config(
    environment: str | None,
    file: Path | None,
    agent: list[str] | None,
    settings: list[str] | None,
    model_option: list[str] | None,
    **flags: Any,
) -> RunConfig:
    """The config of a run: a file's keys, with flags on top.

    Args:
        environment: Its name, or None where the file gives it.
        file: A TOML file.
        agent: `--agent` flags.
        settings: `--set` flags.
        model_option: `--model-option` flags.
        **flags: Further keys; `a__b` is key `b` of table `a`; None is not given.
    """
    from turnwise.engine.config import parse, read_config

    raw: dict[str, Any] = {} if file is None else read_config(file)
    text = "" if file is None else file.read_text()
    if environment is not None:
        raw["environment"] = environment
    if not raw.get("environment"):
        raise ConfigError("no environment is named: give one (see turnwise envs), or a config by --config")
    raw["agents"] = dict(raw.get("agents", {}))
    for role, name in agents(agent, first_role(raw["environment"]) if agent else "").items():
        before = raw["agents"].get(role, {})
        raw["agents"][role] = {**({} if isinstance(before, str) else before), "use": name}
    raw["settings"] = dict(raw.get("settings", {})) | {
        key: value(given) for key, given in pairs(settings, "--set").items()
    }
    raw["models"] = model_options(model_option, raw)
    for key, given in flags.items():
        table, _, name = key.rpartition("__")
        if given is None:
            continue
        if table:
            raw[table] = {**raw.get(table, {}), name: given}
        else:
            raw[name] = given
    return parse(raw, where="flags" if file is None else str(file), text=text)


def with_sampling(config: RunConfig, **sampling: Any) -> RunConfig:
    """The config with sampling flags for every agent; None is not given."""
    import msgspec

    given = {name: value for name, value in sampling.items() if value is not None}
    if not given:
        return config
    changed = {
        role: msgspec.structs.replace(agent, sampling=msgspec.structs.replace(agent.sampling, **given))
        for role, agent in config.agents.items()
    }
    return msgspec.structs.replace(config, agents=changed)
