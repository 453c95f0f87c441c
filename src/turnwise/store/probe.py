"""A look at a store before it is opened: whoever only reads must neither make tables nor wait for a lock."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from turnwise.errors import StoreError
from turnwise.store import schema
from turnwise.store.store import DEFAULT

_PATIENCE = 2.0
"""Seconds to wait for whoever has the file locked."""


def probe(place: str | Path | None = None) -> None:
    """Whether there is a whole store in a file; a server is asked when it is opened.

    Raises:
        StoreError: there is none, it is something else, it is locked, or part of it is missing.
    """
    text = str(place or os.environ.get("TURNWISE_STORE") or DEFAULT)
    if "://" in text and not text.startswith("sqlite:///"):
        return
    path = Path(text.removeprefix("sqlite:///"))
    if not path.exists():
        raise StoreError(f"there is no store at {path}: start a run first, or name one by --store")
    try:
        # Not read-only: only who may write can read what stands in a write-ahead log.
        with contextlib.closing(sqlite3.connect(path, timeout=_PATIENCE)) as connection:
            found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        why = "another process keeps it locked" if "locked" in str(error) else str(error)
        raise StoreError(f"store {path}: cannot open: {why}") from None
    missing = {table.name for table in schema.metadata.tables.values()} - found - schema.LATER
    if schema.about.name in missing:
        what = "holds other things" if found else "is empty"
        raise StoreError(f"{path} {what} and is no store of Turnwise: name another by --store")
    if missing:
        raise StoreError(f"store {path} was not written to the end: it has no table {sorted(missing)[0]!r}")
