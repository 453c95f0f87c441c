"""What can be played here: environments, who can fill their roles, their settings and tasks."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, Literal, get_args, get_origin

import msgspec

from turnwise import registry, wire
from turnwise.engine import resolve
from turnwise.engine.config import RunConfig
from turnwise.environment import Environment
from turnwise.errors import TurnwiseError
from turnwise.models.tiny.folder import SHIPPED
from turnwise.task import Task, TaskSet
from turnwise.view.reading import pictures
from turnwise.view.reading.episode import head
from turnwise.view.reading.errors import MissingError
from turnwise.view.server import shapes as s

_HEAD = 120
_LISTED = 20
"""Values of a setting that are few enough to choose from."""


@cache
def listed() -> s.EnvironmentsPage:
    """All environments that are installed and can be loaded."""
    rows: list[s.EnvironmentLine] = []
    for name in registry.entries("environments"):
        try:
            kind = resolve.environment_type(name)
        except TurnwiseError:
            continue
        about = inspect.cleandoc(kind.__doc__ or "")
        rows.append(
            s.EnvironmentLine(
                name=name,
                summary=_first(about),
                roles=[*kind.roles, *kind.optional_roles],
                pictures=pictures.draws(name),
            )
        )
    return s.EnvironmentsPage(rows=rows)


@cache
def page(name: str) -> s.EnvironmentPage:
    """All that one must know to play an environment.

    Raises:
        MissingError: it is not installed.
    """
    kind = _kind(name)
    about = inspect.cleandoc(kind.__doc__ or "")
    made, tasks, problem = _made(name)
    return s.EnvironmentPage(
        name=name,
        summary=_first(about),
        about=about,
        seats=_seats(kind, made),
        settings=[_setting(field) for field in msgspec.structs.fields(kind)],
        pictures=pictures.draws(name),
        spoilers=made is not None and made.spoilers,
        tasks=0 if tasks is None else len(tasks),
        problem=problem,
    )


def tasks(name: str, query: s.TasksQuery) -> s.TasksPage:
    """Some of an environment's tasks.

    Raises:
        MissingError: it is not installed.
    """
    _kind(name)
    _, found, _ = _made(name)
    wanted = (query.text or "").lower()
    fitting = [task for task in found or () if wanted in task.id.lower()]
    shown = fitting[query.offset : query.offset + query.limit]
    return s.TasksPage(rows=[_task(task) for task in shown], total=len(fitting), offset=query.offset)


# Inside -----------------------------------------------------------------------------------------------


def _kind(name: str) -> type[Environment]:
    if name not in registry.entries("environments"):
        raise MissingError(f"there is no environment {name[:80]!r} here")
    return resolve.environment_type(name)


@cache
def _made(name: str) -> tuple[Environment | None, TaskSet | None, str | None]:
    """An environment with its default settings and its tasks; or why there is none."""
    made: Environment | None = None
    try:
        config = RunConfig(environment=name)
        made = resolve.environment(config)
        return made, resolve.tasks(config, made), None
    except TurnwiseError as error:
        return made, None, str(error)


def _seats(kind: type[Environment], made: Environment | None) -> list[s.SeatLine]:
    try:
        own = {} if made is None else dict(made.agents())
        defaults = {} if made is None else dict(made.defaults())
    except Exception:
        # Other people's code; who cannot be listed can still be named.
        own, defaults = {}, {}
    seats = [*kind.roles, *kind.optional_roles]
    tiny = sorted(f"tiny/{file.parent.name}" for file in SHIPPED.glob("*/config.json"))
    found: list[s.SeatLine] = []
    for role in seats:
        names = {
            name.rpartition("/")[2]: made_by
            for name, made_by in own.items()
            if name.startswith(f"{role}/") or ("/" not in name and role == seats[0])
        }
        lines = [
            s.AgentLine(name=name, summary=_first(inspect.getdoc(by) or "")) for name, by in names.items()
        ]
        lines += [s.AgentLine(name=name, summary="A small policy that comes with Turnwise.") for name in tiny]
        found.append(
            s.SeatLine(
                role=role, optional=role in kind.optional_roles, default=defaults.get(role), agents=lines
            )
        )
    return found


def _setting(field: msgspec.structs.FieldInfo) -> s.SettingLine:
    default: Any = None
    if field.default is not msgspec.NODEFAULT:
        default = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    kind = field.type
    choices: list[Any] = [False, True] if kind is bool else []
    if get_origin(kind) is Literal:
        choices = list(get_args(kind))[:_LISTED]
    name = kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
    return s.SettingLine(
        name=field.encode_name, type=name, default=msgspec.to_builtins(default), choices=choices
    )


def _task(task: Task) -> s.TaskLine:
    inputs = {key: value for key, value in msgspec.to_builtins(task).items() if key not in ("id", "meta")}
    return s.TaskLine(id=task.id, head=head(wire.encode(inputs).decode(), _HEAD))


def _first(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split())
