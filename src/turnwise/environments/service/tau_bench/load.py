"""Reads the published files of tau-bench (MIT, github.com/sierra-research): bases, policies and tasks.

Of version 1, `tau_bench/DOMAIN/`: the tables (`orders.json`, …), `wiki.md`, and `tasks_SPLIT.py`, which is
read as data and never run. Of version 2, `tau2/DOMAIN/`: `db.json`, `policy.md`, `tasks.json`,
`split_tasks.json`. Where the airline's database is missing there, version 1's is taken, its source.
"""

from __future__ import annotations

import ast
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import msgspec

from turnwise import data
from turnwise.environments.service.tau_bench.rows import Action, Basis, Domain, TauTask, Version
from turnwise.errors import ConfigError, TaskError
from turnwise.tools.tables import Base

_TABLES: dict[Domain, tuple[str, ...]] = {
    "retail": ("users", "products", "orders"),
    "airline": ("users", "flights", "reservations"),
}
_SPLITS: dict[tuple[Version, Domain], tuple[str, ...]] = {
    (1, "retail"): ("test", "train", "dev"),
    (1, "airline"): ("test",),
    (2, "retail"): ("base", "train", "test"),
    (2, "airline"): ("base", "train", "test"),
}


def base(domain: Domain, version: Version) -> Base:
    """The database that all episodes share; one for a process.

    Raises:
        ConfigError: the files are not there.
    """
    return _base(domain, version, os.environ.get("TURNWISE_DATA"))


@lru_cache(maxsize=8)
def _base(domain: Domain, version: Version, root: str | None) -> Base:
    """The same, for one folder of data: to look for the files takes longer than to play a turn."""
    if version == 2:
        try:
            return Base.read(data.path(f"tau2/{domain}/db.json"))
        except ConfigError:
            if domain != "airline":
                raise
    tables = {name: _decoded(data.path(f"tau_bench/{domain}/{name}.json")) for name in _TABLES[domain]}
    if version == 2:
        for user_id, user in tables["users"].items():
            user["user_id"] = user_id
    return Base(tables)


def policy(domain: Domain, version: Version) -> str:
    """What the agent is told.

    Raises:
        ConfigError: the file is not there.
    """
    return _policy(domain, version, os.environ.get("TURNWISE_DATA"))


@lru_cache(maxsize=8)
def _policy(domain: Domain, version: Version, root: str | None) -> str:
    name = f"tau_bench/{domain}/wiki.md" if version == 1 else f"tau2/{domain}/policy.md"
    return data.path(name).read_text(encoding="utf-8")


def tasks(domain: Domain, version: Version, split: str) -> tuple[TauTask, ...]:
    """The tasks of a split, in the file's order.

    Raises:
        ConfigError: there is no such split, or the files are not there.
        TaskError: naming the file and the task that cannot be read.
    """
    known = _SPLITS[version, domain]
    if split not in known:
        raise ConfigError(
            f"tau_{domain}: version {version} has no split {split!r}; it has {', '.join(known)} (and sample)"
        )
    if version == 1:
        return _first(data.path(f"tau_bench/{domain}/tasks_{split}.py"), split)
    chosen = _splits(data.path(f"tau2/{domain}/split_tasks.json"))[split]
    return tuple(task for task in _second(data.path(f"tau2/{domain}/tasks.json")) if task.id in chosen)


def _decoded(path: Path) -> dict[str, dict[str, Any]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except msgspec.MsgspecError as error:
        raise TaskError(f"{path}: expected JSON objects by id: {error}") from None


@lru_cache(maxsize=8)
def _splits(path: Path) -> dict[str, frozenset[str]]:
    return {name: frozenset(ids) for name, ids in msgspec.json.decode(path.read_bytes()).items()}


# Version 1 ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _first(path: Path, split: str) -> tuple[TauTask, ...]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = next(
            _literal(node.value) for node in tree.body if isinstance(node, ast.Assign)
        )
    except (SyntaxError, ValueError, StopIteration) as error:
        raise TaskError(f"{path}: expected a list of Task(…) of constants: {error}") from None
    return tuple(first_version(row, f"{split}/{number}") for number, row in enumerate(rows))


def first_version(row: dict[str, Any], name: str) -> TauTask:
    """A task of one published row of version 1.

    Raises:
        TaskError: a field is missing.
    """
    try:
        return TauTask(
            id=name,
            instruction=row["instruction"],
            says=_pieces(row["instruction"]),
            actions=tuple(Action(name=one["name"], arguments=one["kwargs"]) for one in row["actions"]),
            outputs=tuple(row["outputs"]),
        )
    except KeyError as error:
        raise TaskError(f"tau-bench task {name}: the field {error} is missing") from None


def _literal(node: ast.expr) -> Any:
    """The value of an expression of constants, lists and calls, of which only the keywords count."""
    if isinstance(node, ast.Call):
        return {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.List):
        return [_literal(element) for element in node.elts]
    return ast.literal_eval(node)


def _pieces(instruction: str) -> tuple[str, str]:
    """An instruction in two parts: whom and what it is about, and all else."""
    sentences = re.split(r"(?<=[.!?;])\s+", instruction.strip())
    half = (len(sentences) + 1) // 2
    return " ".join(sentences[:half]), " ".join(sentences[half:])


# Version 2 ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _second(path: Path) -> tuple[TauTask, ...]:
    return tuple(second_version(row) for row in msgspec.json.decode(path.read_bytes()))


def second_version(row: dict[str, Any]) -> TauTask:
    """A task of one published row of version 2.

    Raises:
        TaskError: a field is missing, or it begins in a state of its own.
    """
    name = str(row.get("id"))
    if row.get("initial_state"):
        raise TaskError(f"tau2-bench task {name}: an initial state of its own is not supported here")
    try:
        scenario, criteria = row["user_scenario"], row["evaluation_criteria"]
        told: dict[str, str | None] = scenario["instructions"]
        parts = [
            (label, (told.get(key) or "").strip())
            for label, key in (
                ("Why you call", "reason_for_call"),
                ("What you know", "known_info"),
                ("What you do not know", "unknown_info"),
                ("How to behave", "task_instructions"),
            )
        ]
        return TauTask(
            id=name,
            instruction="\n\n".join(f"{label}:\n{text}" for label, text in parts if text),
            says=tuple(text for _, text in parts if text),
            persona=scenario.get("persona") or "",
            actions=tuple(_action(one) for one in criteria["actions"] or ()),
            outputs=tuple(criteria.get("communicate_info") or ()),
            assertions=tuple(criteria.get("nl_assertions") or ()),
            basis=cast("tuple[Basis, ...]", tuple(criteria["reward_basis"])),
        )
    except KeyError as error:
        raise TaskError(f"tau2-bench task {name}: the field {error} is missing") from None


def _action(row: dict[str, Any]) -> Action:
    compare = row.get("compare_args")
    return Action(
        name=row["name"], arguments=row["arguments"], compare=None if compare is None else tuple(compare)
    )
