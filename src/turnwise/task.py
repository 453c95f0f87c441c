"""Tasks: one row each, typed by the environment that plays them, in sets pinned by content hash."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from turnwise import wire
from turnwise.errors import ConfigError, TaskError, did_you_mean
from turnwise.wire import Record


class Task(Record, frozen=True, kw_only=True):
    """One row: an id, its inputs, and what success means. Environments add typed fields by subclassing."""

    id: str
    meta: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """Anything else worth keeping with the row; no environment reads it."""


AnyTask = TypeVar("AnyTask", bound=Task)


class TaskSet(Sequence[Any]):
    """Tasks in a fixed order, with distinct ids and one content hash.

    Raises:
        TaskError: where two tasks share an id.
    """

    def __init__(self, tasks: Iterable[Task], *, name: str = "tasks") -> None:
        self.name = name
        self._tasks = tuple(tasks)
        seen: set[str] = set()
        for task in self._tasks:
            if task.id in seen:
                raise TaskError(f"task set {name!r}: the id {task.id!r} occurs twice; ids must differ")
            seen.add(task.id)

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return TaskSet(self._tasks[index], name=self.name)
        return cast("Task", self._tasks[index])

    @property
    def hash(self) -> str:
        """SHA-256 over the tasks' JSON, in order, as 64 hex digits."""
        digest = hashlib.sha256()
        for task in self._tasks:
            digest.update(wire.encode(task))
            digest.update(b"\n")
        return digest.hexdigest()

    def select(
        self, *, limit: int | None = None, offset: int = 0, ids: Sequence[str] | None = None
    ) -> TaskSet:
        """Part of the set: `limit` tasks from `offset` on, or the tasks with the given ids.

        Raises:
            TaskError: for an id that is not in the set, with the nearest that are.
        """
        if ids is None:
            return TaskSet(self._tasks[offset : None if limit is None else offset + limit], name=self.name)
        by_id = {task.id: task for task in self._tasks}
        for wanted in ids:
            if wanted not in by_id:
                near = did_you_mean(wanted, by_id)
                raise TaskError(f"task set {self.name!r} has no task {wanted!r}{near}")
        return TaskSet([by_id[wanted] for wanted in ids], name=self.name)


def load_tasks(path: str | Path, task_type: type[AnyTask]) -> TaskSet:
    """The tasks in a JSON Lines (`.jsonl`), TOML (`.toml`) or Parquet (`.parquet`) file, as `task_type`.

    In TOML, each row is a table `[[task]]`. A row without an `id` gets its number, counted from 0.

    Raises:
        TaskError: one line naming the file, the line and the field that does not fit.
        ConfigError: where the file cannot be read, or Parquet support is not installed.
    """
    path = Path(path)
    rows = _READERS.get(path.suffix, _jsonl_rows)(path)
    places: dict[str, str] = {}
    tasks: list[AnyTask] = []
    for row, where in rows:
        task = _convert(row, task_type, where)
        if task.id in places:
            raise TaskError(
                f"{where}: field 'id': {task.id!r} stands in {places[task.id]} too; ids must differ"
            )
        places[task.id] = where
        tasks.append(task)
    return TaskSet(tasks, name=path.stem)


def _jsonl_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the task file {path}: {error.strerror}") from None
    number = 0
    for line_number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{line_number}"
        try:
            row = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise TaskError(f"{where}: not JSON ({error}); expected one JSON object a line") from None
        if not isinstance(row, dict):
            raise TaskError(f"{where}: expected a JSON object, got {type(row).__name__}")
        yield {"id": str(number), **cast("dict[str, Any]", row)}, where
        number += 1


def _parquet_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        import pyarrow.parquet as pq  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise ConfigError("reading Parquet needs pyarrow: install turnwise[data]") from None
    try:
        rows = cast("list[dict[str, Any]]", pq.read_table(path).to_pylist())  # pyright: ignore
    except (OSError, ValueError) as error:
        # pyarrow's own errors are ValueErrors.
        raise ConfigError(f"cannot read the task file {path}: {error}") from None
    for number, row in enumerate(rows):
        yield {"id": str(number), **row}, f"{path}: row {number}"


def _toml_rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    import tomllib

    try:
        told = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the task file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TaskError(f"{path}: not TOML: {error}") from None
    rows = told.pop("task", [])
    if told or not isinstance(rows, list):
        raise TaskError(
            f"{path}: expected tables [[task]] and nothing else, got {next(iter(told), 'task')!r}"
        )
    for number, row in enumerate(cast("list[Any]", rows)):
        where = f"{path}: task {number + 1}"
        if not isinstance(row, dict):
            raise TaskError(f"{where}: expected a table, got {type(row).__name__}")
        named = {"id": str(number), **cast("dict[str, Any]", row)}
        yield named, f"{where} ({named['id']})"


_READERS = {".parquet": _parquet_rows, ".toml": _toml_rows}


def _convert(row: dict[str, Any], task_type: type[AnyTask], where: str) -> AnyTask:
    known = {field.encode_name for field in msgspec.structs.fields(task_type)}
    for key in row:
        if key not in known:
            near = did_you_mean(key, known)
            raise TaskError(
                f"{where}: unknown field {key!r}{near}; put what the task does not define under 'meta'"
            )
    if isinstance(row["id"], int) and not isinstance(row["id"], bool):
        row = {**row, "id": str(row["id"])}
    if isinstance(row["id"], str) and not row["id"].isprintable():
        raise TaskError(f"{where}: field 'id': expected printable characters, got {row['id']!r}")
    try:
        return msgspec.convert(row, task_type)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at ")
        name = re.sub(r"^`\$\.?(.*)`$", r"\1", place)
        raise TaskError(
            f"{where}: field {name!r}: {reason[0].lower()}{reason[1:]}"
            if name
            else f"{where}: {reason[0].lower()}{reason[1:]}"
        ) from None
