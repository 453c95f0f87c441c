"""Tables of JSON records over a base that all episodes share, copied record by record when they are changed.

    base = Base({"orders": {"#1": {"status": "open", "total": 12.5}}})      # once a process
    tables = Tables(base)                                                   # once an episode
    tables["orders"]["#1"]["status"]                                        # read: the base's own record
    tables["orders"].edit("#1")["status"] = "cancelled"                     # written: a copy, of this record

An episode's database costs what was changed in it, however large the base is. What the base gives out cannot
be changed by accident: its dictionaries and lists refuse. Two databases over one base are equal where their
changes are; a record that was changed and changed back is no change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, MutableMapping
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

import msgspec

from turnwise.errors import TaskError

Record: TypeAlias = dict[str, Any]
"""A JSON object."""
Change: TypeAlias = dict[str, Any]
"""`at`, the way to a value; `was` and `now`, each missing where there was or is none."""


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("this record is shared by all episodes: take it by table.edit(id) to change it")


class _FrozenDict(dict[str, Any]):
    """A dictionary that cannot be changed."""

    __setitem__ = __delitem__ = __ior__ = _refuse  # type: ignore[assignment]
    update = pop = popitem = clear = setdefault = _refuse  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any) -> Any:
        return _thawed(self)


class _FrozenList(list[Any]):
    """A list that cannot be changed."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse  # type: ignore[assignment]
    append = extend = insert = pop = remove = clear = sort = reverse = _refuse  # type: ignore[assignment]

    def __deepcopy__(self, memo: Any) -> Any:
        return _thawed(self)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return _FrozenDict({key: _frozen(item) for key, item in items})
    if isinstance(value, list):
        return _FrozenList([_frozen(item) for item in cast("list[Any]", value)])
    return value


def _thawed(value: Any) -> Any:
    """A copy that may be changed; JSON in and out is the quickest way to one."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _bytes(value: Any) -> bytes:
    """The one spelling of a JSON value."""
    return msgspec.json.encode(value, order="sorted")


class Base:
    """What all episodes share; made once, never changed.

    Args:
        tables: Records by id, by table.

    Raises:
        TaskError: something in it is no JSON object.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        try:
            plain = msgspec.convert(msgspec.to_builtins(tables), dict[str, dict[str, dict[str, Any]]])
        except (msgspec.ValidationError, TypeError) as error:
            raise TaskError(f"a base of tables needs JSON objects by id, by table: {error}") from None
        self.tables: dict[str, dict[str, Record]] = {name: _frozen(table) for name, table in plain.items()}
        self._indices: dict[tuple[str, str], dict[Any, tuple[str, ...]]] = {}

    @classmethod
    def read(cls, path: str | Path) -> Base:
        """Read a JSON file.

        Raises:
            TaskError: it is not there, or none.
        """
        try:
            return cls(msgspec.json.decode(Path(path).read_bytes()))
        except (OSError, msgspec.DecodeError) as error:
            raise TaskError(f"{path}: expected a JSON object of tables: {error}") from None

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 of the content."""
        return hashlib.sha256(_bytes(self.tables)).hexdigest()

    def index(self, table: str, field: str) -> dict[Any, tuple[str, ...]]:
        """Ids by the value of a field, for values that are no lists or objects; made once."""
        key = table, field
        if key not in self._indices:
            found: dict[Any, tuple[str, ...]] = {}
            for name, record in self.tables[table].items():
                value = record.get(field)
                if not isinstance(value, (dict, list)):
                    found[value] = (*found.get(value, ()), name)
            self._indices[key] = found
        return self._indices[key]


class Table(MutableMapping[str, Record]):
    """One table of an episode: records by id. See `Tables`."""

    def __init__(self, base: Base, name: str) -> None:
        self.name = name
        self._base = base
        self._shared = base.tables[name]
        self._own: dict[str, Record | None] = {}
        """Records that were changed or are new; None where one was deleted."""
        self._touched: set[str] = set()
        """Ids whose own records were given out or changed since the last mark."""
        self._marked: dict[str, bytes | None] = {}
        """Own records as they were at the last mark."""

    def __getitem__(self, name: str) -> Record:
        """A record, to be read; what was changed before is the episode's own copy."""
        if name in self._own:
            record = self._own[name]
            if record is None:
                raise KeyError(name)
            self._touched.add(name)
            return record
        return self._shared[name]

    def __setitem__(self, name: str, record: Mapping[str, Any]) -> None:
        """Put a record in place; the table keeps a copy of its own."""
        self._own[name] = _thawed(record)
        self._touched.add(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._own[name] = None
        self._touched.add(name)

    def __contains__(self, name: object) -> bool:
        if name in self._own:
            return self._own[cast("str", name)] is not None
        return name in self._shared

    def __iter__(self) -> Iterator[str]:
        own = self._own
        if not own:
            yield from self._shared
            return
        yield from [name for name in self._shared if name not in own or own[name] is not None]
        yield from [name for name, record in own.items() if record is not None and name not in self._shared]

    def __len__(self) -> int:
        return len(self._shared) + sum(
            (record is not None) - (name in self._shared) for name, record in self._own.items()
        )

    def edit(self, name: str) -> Record:
        """A record that may be changed, in place.

        Raises:
            KeyError: there is none.
        """
        if name not in self._own:
            self._own[name] = _thawed(self._shared[name])
        return self[name]

    def find(self, **fields: Any) -> list[str]:
        """Ids of the records whose fields have these values, in the order of the table."""
        (field, value), *_ = fields.items()
        if isinstance(value, (dict, list)):
            return [name for name, record in self.items() if _fits(record, fields)]
        among = self._base.index(self.name, field).get(value, ())
        own = self._own
        found = [name for name in among if name not in own and _fits(self._shared[name], fields)]
        changed = [name for name, record in own.items() if record is not None and _fits(record, fields)]
        if not changed:
            return found
        chosen = {*found, *changed}
        return [name for name in self if name in chosen]

    # State --------------------------------------------------------------------------------------------

    def changes(self) -> dict[str, Record | None]:
        """What is other than in the base: records by id, None for a deleted one."""
        found: dict[str, Record | None] = {}
        for name in sorted(self._own):
            record, shared = self._own[name], self._shared.get(name)
            if record is None:
                if shared is not None:
                    found[name] = None
            elif shared is None or _bytes(record) != _bytes(shared):
                found[name] = record
        return found

    def copy(self) -> Table:
        """Another table in the same state, that goes its own way."""
        other = Table(self._base, self.name)
        other._own = {name: None if record is None else _thawed(record) for name, record in self._own.items()}
        other._marked = dict(self._marked)
        other._touched = set(self._touched)
        return other

    def since(self) -> list[Change]:
        """What has changed since the last mark, which is set here."""
        found: list[Change] = []
        for name in sorted(self._touched):
            now = self._own[name]
            as_bytes = None if now is None else _bytes(now)
            if name in self._marked:
                before = self._marked[name]
                if before == as_bytes:
                    continue
                was = None if before is None else msgspec.json.decode(before)
            else:
                was = self._shared.get(name)
            self._marked[name] = as_bytes
            found += _record_changes((self.name, name), was, now)
        self._touched.clear()
        return found

    def undo(self) -> None:
        """Go back to the last mark."""
        for name in self._touched:
            if name not in self._marked:
                del self._own[name]
            else:
                marked = self._marked[name]
                self._own[name] = None if marked is None else msgspec.json.decode(marked)
        self._touched.clear()


class Tables(Mapping[str, Table]):
    """The database of one episode: tables over a shared base; see the module."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._tables = {name: Table(base, name) for name in base.tables}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tables) and self.key() == other.key()

    __hash__ = None  # type: ignore[assignment]

    def changes(self) -> dict[str, dict[str, Record | None]]:
        """What is other than in the base, by table and id; tables without changes are left out."""
        found = {name: table.changes() for name, table in self._tables.items()}
        return {name: changed for name, changed in found.items() if changed}

    def key(self) -> str:
        """Hex SHA-256 of the state: of the base, and of what was changed."""
        return hashlib.sha256(self.base.digest.encode() + _bytes(self.changes())).hexdigest()

    def copy(self) -> Tables:
        """Another database in the same state, that goes its own way; costs what was changed."""
        other = Tables(self.base)
        for name, table in self._tables.items():
            if table._own:  # pyright: ignore[reportPrivateUsage]
                other._tables[name] = table.copy()
        return other

    def whole(self) -> dict[str, dict[str, Record]]:
        """A plain copy of everything; costs what the base weighs."""
        return _thawed({name: dict(table) for name, table in self._tables.items()})

    def apart(self, other: Tables) -> list[Change]:
        """How these differ from others over the same base: `was` is theirs; costs what either has changed."""
        mine, theirs = self.changes(), other.changes()
        places = {(table, name) for changed in (mine, theirs) for table in changed for name in changed[table]}
        return [
            change
            for table, name in sorted(places)
            for change in _record_changes((table, name), other[table].get(name), self[table].get(name))
        ]

    def since(self) -> list[Change]:
        """What has changed since the last mark, which is set here; costs what was touched since."""
        return [
            change
            for table in self._tables.values()
            if table._touched  # pyright: ignore[reportPrivateUsage]
            for change in table.since()
        ]

    def undo(self) -> None:
        """Go back to the last mark."""
        for table in self._tables.values():
            if table._touched:  # pyright: ignore[reportPrivateUsage]
                table.undo()


def _fits(record: Record, fields: Mapping[str, Any]) -> bool:
    return all(record.get(field) == value for field, value in fields.items())


def _record_changes(at: tuple[str, ...], was: Record | None, now: Record | None) -> list[Change]:
    if was is None and now is None:
        return []
    if was is None:
        return [{"at": list(at), "now": _thawed(now)}]
    if now is None:
        return [{"at": list(at), "was": _thawed(was)}]
    return difference(was, now, at)


def difference(was: Any, now: Any, at: tuple[str, ...] = ()) -> list[Change]:
    """How two JSON values differ, key by key; lists are taken whole."""
    return [] if _alike(was, now) else _difference(was, now, at)


def _alike(was: Any, now: Any) -> bool:
    """Whether two values have one spelling: 1 and 1.0 and true have three."""
    if was.__class__ is str and now.__class__ is str:
        return was == now
    return was is now or _bytes(was) == _bytes(now)


def _difference(was: Any, now: Any, at: tuple[str, ...]) -> list[Change]:
    """The same of two that do."""
    if not (isinstance(was, dict) and isinstance(now, dict)):
        return [{"at": list(at), "was": _thawed(was), "now": _thawed(now)}]
    before, after = cast("Record", was), cast("Record", now)
    found: list[Change] = []
    for key in sorted({*before, *after}):
        if key not in after:
            found.append({"at": [*at, key], "was": _thawed(before[key])})
        elif key not in before:
            found.append({"at": [*at, key], "now": _thawed(after[key])})
        elif not _alike(before[key], after[key]):
            found += _difference(before[key], after[key], (*at, key))
    return found
