"""What people say of runs, episodes and turns: thumbs, scores, choices, notes and tags, beside the runs.

A word is a row and is never overwritten: somebody's later word on the same thing holds instead, and one that
takes back another is a row of its own. A store that is older than this makes its table with the first word.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import msgspec
import sqlalchemy as sa

from turnwise.errors import ConfigError
from turnwise.store.prepared import Prepared
from turnwise.store.schema import labels, labels_place
from turnwise.store.store import Store
from turnwise.wire import mend

Kind: TypeAlias = Literal["thumb", "score", "choice", "note", "tag"]

_LOCK = 0x7475726F


class Target(NamedTuple):
    """A run, an episode of it, or a turn of that."""

    run: str
    episode: int | None = None
    turn: int | None = None

    def __str__(self) -> str:
        text = self.run if self.episode is None else f"{self.run}/{self.episode}"
        return text if self.turn is None else f"{text}@{self.turn}"

    def holds(self, other: Target) -> bool:
        """Whether `other` is this or lies in it."""
        return all(mine is None or mine == its for mine, its in zip(self, other, strict=True))

    @classmethod
    def read(cls, text: str) -> Target:
        """`RUN`, `RUN/NUMBER` or `RUN/NUMBER@TURN`.

        Raises:
            ConfigError: it is none of these.
        """
        run, slash, rest = text.rpartition("/")
        number, at, turn = rest.partition("@")
        if slash and _is_number(number) and (not at or _is_number(turn)):
            return cls(run, int(number), int(turn) if at else None)
        if not text or at:
            raise ConfigError(f"{text!r}: expected RUN, RUN/NUMBER or RUN/NUMBER@TURN")
        return cls(text)


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """One word of somebody's."""

    id: int = 0
    created: float = 0.0
    kind: Kind
    target: Target
    """Of a choice, the first of the two."""
    annotator: str
    name: str = ""
    """The criterion; of a tag, the tag."""
    value: float | None = None
    """A thumb: 1 or -1. A choice: -1 the first, 1 the second, 0 a tie."""
    other: Target | None = None
    """Of a choice, the second."""
    text: str | None = None
    part: int | None = None
    """Of a note on some words: part of the message, and where in it they start and end (UTF-16 units)."""
    start: int | None = None
    end: int | None = None

    @property
    def subject(self) -> tuple[Any, ...]:
        """What a later word of the same annotator stands instead of; every note is a thing of its own."""
        own = self.id if self.kind == "note" else 0
        between = sorted([str(self.target), str(self.other or "")])
        return self.kind, *between, self.annotator, self.name, own


class Annotations:
    """The annotations of a store, kept in memory and caught up with what others write."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._last = 0
        self._held: dict[tuple[Any, ...], Annotation] = {}
        self._there = False
        self._lock = threading.Lock()

    def held(self) -> list[Annotation]:
        """Those that hold now, oldest first.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._lock:
            self._catch_up()
            return sorted(self._held.values(), key=lambda one: one.id)

    @property
    def last(self) -> int:
        """Id of the newest row, whatever it says: it rises with every change."""
        with self._lock:
            self._catch_up()
            return self._last

    def add(self, word: Annotation) -> Annotation:
        """Write down a word.

        Raises:
            StoreError: it cannot be written.
        """
        target, other = word.target, word.other
        row = {
            "created": time.time(),
            "kind": word.kind,
            **target._asdict(),
            "annotator": mend(word.annotator),
            "name": mend(word.name),
            "value": word.value,
            "other": None if other is None else str(other),
            "text": None if word.text is None else mend(word.text),
            "part": word.part,
            "start": word.start,
            "end": word.end,
        }
        number = self._insert(row)
        return self.of(number)

    def retract(self, number: int, annotator: str) -> Annotation:
        """Take back one's own word.

        Raises:
            KeyError: there is none of this number that holds.
            ConfigError: it is somebody else's.
        """
        word = self.of(number)
        if word.annotator != annotator:
            raise ConfigError(f"label {number} is {word.annotator}'s: only they can take it back")
        row = {"created": time.time(), "kind": word.kind, **word.target._asdict(), "retracts": number}
        self._insert({**row, "annotator": word.annotator, "name": word.name})
        return word

    def of(self, number: int) -> Annotation:
        """The one of this number.

        Raises:
            KeyError: there is none that holds.
        """
        return next((one for one in self.held() if one.id == number), None) or _missing(number)

    # Inside -------------------------------------------------------------------------------------------

    def _insert(self, row: dict[str, Any]) -> int:
        with self.store.trouble("write a label"), self.store.engine.begin() as connection:
            if not self.store.embedded:
                # One writer at a time, so that rows appear in the order of their ids.
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            if not self._there:
                # Whoever comes first makes it.
                connection.execute(sa.schema.CreateTable(labels, if_not_exists=True))
                connection.execute(sa.schema.CreateIndex(labels_place, if_not_exists=True))
            written = connection.execute(labels.insert(), row)
            assert written.inserted_primary_key is not None
            number = cast("int", written.inserted_primary_key[0])
        self._there = True
        return number

    def _catch_up(self) -> None:
        with self.store.reading("labels") as connection:
            if not self._there:
                self._there = connection.dialect.has_table(connection, labels.name)
            if not self._there:
                return
            for row in _NEWER.rows(connection, self._last):
                self._take(dict(zip(_NAMES, row, strict=True)))

    def _take(self, row: dict[str, Any]) -> None:
        self._last = row["id"]
        if row["retracts"] is not None:
            self._held = {key: one for key, one in self._held.items() if one.id != row["retracts"]}
            return
        values = {name: row[name] for name in _PLAIN}
        other = None if row["other"] is None else Target.read(row["other"])
        word = Annotation(target=Target(row["run"], row["episode"], row["turn"]), other=other, **values)
        self._held.pop(word.subject, None)
        self._held[word.subject] = word


_NAMES = tuple(column.name for column in labels.c)
_NEWER = Prepared(sa.select(labels).where(labels.c.id > sa.bindparam("last")).order_by(labels.c.id), "last")
_PLAIN = ("id", "created", "kind", "annotator", "name", "value", "text", "part", "start", "end")


def _missing(number: int) -> Annotation:
    raise KeyError(f"there is no label {number}")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
