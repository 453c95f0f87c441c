"""What stands in a service's folder: its tasks (`tasks.toml`) and the people who come (`users.toml`)."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise.agents.users.style import Style
from turnwise.errors import ConfigError, TaskError, did_you_mean
from turnwise.task import Task, load_tasks
from turnwise.verdict import Criterion
from turnwise.wire import Record


class ToolUse(Record, frozen=True, kw_only=True):
    """One call of a tool."""

    tool: str
    arguments: dict[str, Any] = {}


class Case(Task, frozen=True, kw_only=True):
    """What a user comes with, and what must have come of it in the end."""

    goal: str
    """Told to the user, in the second person: who they are, what they want, all they know."""
    user: str = ""
    """Their profile, a table of `users.toml`."""
    says: tuple[str, ...] = ()
    """What the user without a model says, piece by piece; by default the sentences of the goal."""
    calls: tuple[ToolUse, ...] = ()
    """Calls that do what is to be done. Unless `state` is given, the state must be the one they lead to:
    where there are none, nothing may have changed."""
    state: dict[str, Any] = {}
    """What must be in the state, whatever else is."""
    said: tuple[str, ...] = ()
    """Each must have been said to the user, in whatever case."""
    unsaid: tuple[str, ...] = ()
    """None of these may have been."""
    rubric: tuple[str | Criterion, ...] = ()
    """For the judge, where one takes part."""


def cases(folder: Path, profiles: dict[str, Style], task_type: type[Case]) -> Sequence[Case]:
    """The tasks of a folder.

    Raises:
        ConfigError: there is no such file.
        TaskError: a row that cannot be used, or one of a profile that is not there.
    """
    path = folder / "tasks.toml"
    found = cast("Sequence[Case]", load_tasks(path, task_type))
    for case in found:
        if case.user and case.user not in profiles:
            raise TaskError(f"{path}: task {case.id!r}: {unknown_profile(case.user, profiles)}")
    return found


def unknown_profile(name: str, profiles: dict[str, Style]) -> str:
    """What is wrong with a profile that is not there."""
    near = did_you_mean(name, profiles) or f"; users.toml has {', '.join(profiles) or 'none'}"
    return f"there is no user {name!r}{near}"


def users(folder: Path) -> dict[str, Style]:
    """The profiles of a folder by name, each a table of the keys of `Style`; none where there is no file.

    Raises:
        ConfigError: naming the file, the profile and the key.
    """
    path = folder / "users.toml"
    if not path.exists():
        return {}
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from None
    return {name: _profile(f"{path}: [{name}]", keys) for name, keys in told.items()}


def _profile(where: str, keys: Any) -> Style:
    if not isinstance(keys, dict):
        raise ConfigError(f"{where}: expected a table, as `[{where[where.index('[') + 1 : -1]}]`")
    known = [field.encode_name for field in msgspec.structs.fields(Style) if field.name != "unknown"]
    for key in cast("dict[str, Any]", keys):
        if key not in known:
            near = did_you_mean(key, known) or f"; it has {', '.join(known)}"
            raise ConfigError(f"{where}: unknown key {key!r}{near}")
    try:
        return msgspec.convert(keys, Style)
    except (msgspec.ValidationError, ConfigError) as error:
        raise ConfigError(f"{where}: {error.__cause__ or error}") from None
