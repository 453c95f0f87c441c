"""Batches as tables: parts of them, several as one, and one on disk, where nothing is padded either."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from turnwise.errors import ConfigError
from turnwise.learn.batch import COLUMNS, Batch, Bools, Ints, Turns, check, column

_MAYBE = ("turns.state", "turns.counted", "turn_at", "turn_cut", "names")
_NEEDED = {*(name for names in COLUMNS.values() for name in names), "row_start", "roles"} - {*_MAYBE}


def select_rows(batch: Batch, rows: Ints | Bools) -> Batch:
    """The part of a batch that is in some rows, in their old order: their turns, and the episodes of these.

    Turns keep their `index`; turns, episodes, groups and rows are numbered anew.

    Args:
        batch: `[R]` rows.
        rows: Numbers of rows, or a mask `[R]`.
    """
    keep_row = np.zeros(batch.rows, dtype=np.bool_)
    keep_row[rows] = True
    keep_turn = keep_row[batch.turn_row]
    keep_episode = np.zeros(len(batch.turns.group), dtype=np.bool_)
    keep_episode[batch.turns.episode[keep_turn]] = True
    lengths = np.diff(batch.row_start)
    keep = {"token": np.repeat(keep_row, lengths), "turn": keep_turn, "episode": keep_episode}
    fields: dict[str, Any] = {
        field: None if (value := column(batch, field)) is None else np.asarray(value)[keep[table]]
        for table, names in COLUMNS.items()
        for field in names
    }
    renumbered = {"turn": keep_turn, "turns.episode": keep_episode, "turn_row": keep_row}
    for field, kept in renumbered.items():
        old: Ints = fields[field]
        fields[field] = np.where(old < 0, -1, (np.cumsum(kept) - 1)[old])
    groups: Ints = fields["turns.group"]
    fields["turns.group"] = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    fields["row_start"] = np.concatenate([[0], np.cumsum(lengths[keep_row])])
    return _made(fields, batch.roles)


def select_episodes(batch: Batch, episodes: Ints | Bools) -> Batch:
    """The part of a batch that is about some episodes; see `select_rows`.

    Args:
        batch: `[E]` episodes.
        episodes: Numbers of episodes, or a mask `[E]`.
    """
    keep = np.zeros(len(batch.turns.group), dtype=np.bool_)
    keep[episodes] = True
    return select_rows(batch, keep[batch.row_episode])


def concat(batches: Sequence[Batch]) -> Batch:
    """Several batches as one; their groups and states stay apart, their roles are joined by name.

    Raises:
        ConfigError: there are none.
    """
    if not batches:
        raise ConfigError("there are no batches to join: expected one at least")
    roles = tuple(dict.fromkeys(name for batch in batches for name in batch.roles))
    parts: dict[str, list[Any]] = {field: [] for names in COLUMNS.values() for field in names}
    starts: list[Any] = [np.zeros(1, dtype=np.int64)]
    tokens = rows = turns = episodes = groups = states = 0
    stateful = any(batch.turns.state is not None for batch in batches)
    for batch in batches:
        k = len(batch.turns.episode)
        offset = {"turn": turns, "turns.episode": episodes, "turn_row": rows, "turns.group": groups}
        for field, found in parts.items():
            found.append(_shifted(column(batch, field), offset.get(field, 0)))
        number = np.array([roles.index(name) for name in batch.roles], dtype=np.int64)
        parts["turns.role"][-1] = number[batch.turns.role]
        # Where there are no keys, no two states are known to be equal.
        state = np.arange(k) if batch.turns.state is None else batch.turns.state
        parts["turns.state"][-1] = state + states if stateful else None
        starts.append(batch.row_start[1:] + tokens)
        tokens, rows, turns = tokens + len(batch.ids), rows + batch.rows, turns + k
        episodes += len(batch.turns.group)
        groups += int(batch.turns.group.max(initial=-1)) + 1
        states += int(state.max(initial=-1)) + 1
    fields = {field: _joined(field, found, batches) for field, found in parts.items()}
    return _made(fields | {"row_start": np.concatenate(starts)}, roles)


def save(batch: Batch, path: str | Path) -> None:
    """Write a batch into one `.npz` file, as flat as it is; the file is there only when it is complete.

    Raises:
        ConfigError: it cannot be written.
    """
    fields = [*(field for names in COLUMNS.values() for field in names), "row_start", "roles"]
    arrays = {field: value for field in fields if (value := column(batch, field)) is not None}
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, allow_pickle=False, **{name: np.asarray(value) for name, value in arrays.items()})
        partial.replace(target)
    except OSError as error:
        raise ConfigError(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


def load(path: str | Path) -> Batch:
    """Read what `save` wrote.

    Raises:
        ConfigError: there is no such file, or it holds no batch.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in file.files}
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigError(f"cannot read {path}: expected a batch written by `save` ({error})") from None
    missing = sorted(_NEEDED - arrays.keys())
    if missing:
        raise ConfigError(f"cannot read {path}: it is no batch, {missing[0]!r} is missing")
    roles = tuple(str(name) for name in arrays.pop("roles"))
    return check(_made(arrays, roles))


def _made(fields: Mapping[str, Any], roles: tuple[str, ...]) -> Batch:
    """A batch of its fields, named as in `COLUMNS`."""
    turns = {name.removeprefix("turns."): value for name, value in fields.items() if "." in name}
    others = {name: value for name, value in fields.items() if "." not in name and name != "names"}
    found = fields.get("names")
    names = () if found is None else tuple(str(name) for name in found)
    return Batch(turns=Turns(**turns), names=names, roles=roles, **others)


def _shifted(value: Any, by: int) -> Any:
    return np.where(value < 0, -1, value + by) if by and value is not None else value


def _joined(field: str, found: list[Any], batches: Sequence[Batch]) -> Any:
    """A column of all batches; where some lack it, the others' entries are joined to what stands for none."""
    if all(value is None for value in found):
        return None
    lacking = {"turns.counted": True, "turn_at": -1, "turn_cut": False, "names": ""}
    for number, value in enumerate(found):
        if value is None:
            size = len(batches[number].outcome if field == "names" else batches[number].turn_row)
            found[number] = np.full(size, lacking[field])
    return np.concatenate(found)
