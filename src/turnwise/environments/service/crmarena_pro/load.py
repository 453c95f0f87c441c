"""Reads the published rows and copies of the organisations (Salesforce/CRMArenaPro, CC BY-NC 4.0).

Below the folder that `TURNWISE_DATA` names: `crmarena_pro/SPLIT.jsonl` (or `.json`, a list) for the splits
`b2b`, `b2b_interactive`, `b2c`, `b2c_interactive`; the schemas `b2b_schema.jsonl` and `b2c_schema.jsonl`; and
the databases `crmarenapro_b2b_data.db`, `crmarenapro_b2c_data.db` of the official repository. What kind a
field is, and what it refers to, follows from its name and the database's own types: schemas only describe it.
"""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing, suppress
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise import data
from turnwise.environments.service.crmarena_pro.made.org import Org
from turnwise.environments.service.crmarena_pro.rows import CONFIDENTIAL, KINDS, CrmTask, measure
from turnwise.environments.service.crmarena_pro.schema import OrgType
from turnwise.environments.service.crmarena_pro.soql import Catalog, Field, Sort, Table
from turnwise.environments.service.crmarena_pro.soql.scope import quoted
from turnwise.errors import ConfigError, TaskError
from turnwise.tools.sql import Sqlite

TODAY = date(2024, 11, 1)
"""What dates by name are counted from in the published organisations; questions name their own day."""


def tasks(org: OrgType, *, interactive: bool) -> tuple[CrmTask, ...]:
    """The published rows of an organisation.

    Raises:
        ConfigError: the file is not there.
        TaskError: naming the file and the row that cannot be read.
    """
    split = f"{org}_interactive" if interactive else org
    return _tasks(_found(split), org)


@lru_cache(maxsize=4)
def _tasks(path: Path, org: OrgType) -> tuple[CrmTask, ...]:
    return tuple(task(row, org, f"{path}: row {number}") for number, row in enumerate(_rows(path)))


def task(row: Any, org: OrgType, where: str) -> CrmTask:
    """A task of one published row.

    Raises:
        TaskError: it is none, naming the field.
    """
    try:
        kind = row["task"]
        if kind not in KINDS:
            raise TaskError(f"{where}: field 'task': unknown type {kind!r}")
        metadata = _object(row.get("metadata"))
        metric, form = measure(kind)
        said = _sentences(row["query"])
        return CrmTask(
            id=f"{org}/{row['idx']}",
            kind=kind,
            org=org,
            query=row["query"],
            answer=_answers(row["answer"]),
            metric=row.get("reward_metric") or metric,
            form=form,
            refuse=kind in CONFIDENTIAL,
            required=metadata.get("required") or "",
            optional=metadata.get("optional") or "",
            persona=row.get("persona") or "",
            opening=said[0],
            criteria=tuple(said[1:]),
        )
    except KeyError as error:
        raise TaskError(f"{where}: the field {error} is missing") from None
    except (TypeError, AttributeError):
        raise TaskError(f"{where}: expected an object with idx, task, query, answer, metadata") from None


def _sentences(query: str) -> list[str]:
    """A question, sentence by sentence: for a user without a model."""
    return [part for part in re.split(r"(?<=[.?!])\s+", query.strip()) if part] or [query]


def _object(value: Any) -> dict[str, Any]:
    """Metadata, which may be written as text."""
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError:
            return {"required": value}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _answers(value: Any) -> tuple[str, ...]:
    """Known answers; what is null, or says None, is none."""
    several = cast("list[Any]", value) if isinstance(value, list) else [value]
    return tuple(str(one) for one in several if one is not None and one != "None")


def org(kind: OrgType) -> Org:
    """A published organisation.

    Raises:
        ConfigError: the database is not there, or is none.
    """
    return _org(kind, os.environ.get("TURNWISE_DATA"))


@lru_cache(maxsize=2)
def _org(kind: OrgType, root: str | None) -> Org:
    path = data.path(f"crmarena_pro/crmarenapro_{kind}_data.db")
    notes: dict[str, dict[str, str | None]] = {}
    # Without descriptions, names alone have to do.
    with suppress(ConfigError):
        notes = {row["object"]: row["fields"] for row in _rows(_found(f"{kind}_schema"))}
    return Org(reflected(path, notes), Sqlite(path), TODAY)


def reflected(path: Path, notes: dict[str, dict[str, str | None]]) -> Catalog:
    """The objects of a database.

    Args:
        path: A SQLite file.
        notes: Descriptions of fields, by object.

    Raises:
        ConfigError: it is no database.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
            names = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            columns = {name: file.execute(f"PRAGMA table_info({quoted(name)})").fetchall() for name in names}
    except sqlite3.Error as error:
        raise ConfigError(
            f"{path}: no SQLite database ({error}); Git LFS pointers need `git lfs pull`"
        ) from None
    known = {name.lower(): name for name in names}
    return Catalog(
        Table(
            name=name,
            fields=tuple(
                _field(column[1], column[2], known, (notes.get(name) or {}).get(column[1]) or "")
                for column in columns[name]
            ),
        )
        for name in names
    )


_REFERS = {"ownerid": "user", "parentid": "case", "whatid": "opportunity", "createdbyid": "user"}


def _field(name: str, declared: str, known: dict[str, str], note: str) -> Field:
    plain = name.lower().removesuffix("__c")
    to = _REFERS.get(plain, plain.removesuffix("id")) if plain.endswith("id") and plain != "id" else ""
    target = known.get(to) or known.get(f"{to}__c")
    sort: Sort = "string"
    if plain == "id" or target is not None:
        sort = "id"
    elif re.search(r"INT|REAL|NUM|FLOA|DOUB|DEC", declared.upper()):
        sort = "boolean" if plain.startswith("is") else "number"
    elif plain.endswith(("datetime", "createddate", "closeddate", "messagedate", "endtime", "starttime")):
        sort = "datetime"
    elif plain.endswith("date"):
        sort = "date"
    return Field(name=name, sort=sort, note=note, to=target)


def _found(split: str) -> Path:
    """The file of a split, in one of the forms it may have."""
    try:
        return data.path(f"crmarena_pro/{split}.json")
    except ConfigError:
        return data.path(f"crmarena_pro/{split}.jsonl")


def _rows(path: Path) -> list[Any]:
    try:
        if path.suffix == ".json":
            return msgspec.json.decode(path.read_bytes(), type=list[Any])
        return [msgspec.json.decode(line) for line in path.read_bytes().split(b"\n") if line.strip()]
    except msgspec.MsgspecError as error:
        raise TaskError(f"{path}: expected JSON objects: {error}") from None
