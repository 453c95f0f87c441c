"""Reads MT-Eval's files (MIT, github.com/KwanWaiChung/MT-Eval) and builds the task set that is asked for."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from turnwise import data
from turnwise.environments.dialogue.mt_eval import build
from turnwise.environments.dialogue.mt_eval.ablation import label_contexts
from turnwise.environments.dialogue.mt_eval.rows import KINDS, Form, Kind, MTEvalTask
from turnwise.environments.dialogue.mt_eval.sample import sample
from turnwise.errors import ConfigError, TaskError

Selection: TypeAlias = Literal[
    "sample",
    "all",
    "recollection",
    "expansion",
    "refinement",
    "follow_up",
    "cls_gold",
    "cls_dgc",
    "cls_sgc",
    "cls_rc",
    "irrelevant_front",
    "irrelevant_between",
]
_CONTEXTS: dict[str, Literal["gold", "dgc", "sgc", "rc"]] = {
    "cls_gold": "gold",
    "cls_dgc": "dgc",
    "cls_sgc": "sgc",
    "cls_rc": "rc",
}


def load(selection: Selection, form: Form = "multi", *, published: bool = False) -> list[MTEvalTask]:
    """The tasks of a selection.

    Raises:
        ConfigError: where the files are not there, or the selection has no single-turn form.
        TaskError: naming the file and line of a row that cannot be read.
    """
    if selection == "sample":
        return getattr(sample(), form)
    if selection in (*KINDS, "all"):
        kinds: tuple[Kind, ...] = KINDS if selection == "all" else (selection,)  # pyright: ignore
        tasks = [task for kind in kinds for built in load_kind(kind) for task in getattr(built, form)]
        if tasks:
            return tasks
    if form == "single":
        raise ConfigError(f"mt_eval: kind={selection!r} has no single-turn form; set form='multi'")
    docs = build.documents(_rows("documents"))
    if selection in _CONTEXTS:
        return label_contexts(docs, _CONTEXTS[selection], published=published)
    position = selection.removeprefix("irrelevant_")
    return build.irrelevant(_rows(f"refinement_ablation_irrelevant-{position}"), position, docs)


def load_kind(kind: Kind) -> list[build.Built]:
    """Dialogues and twins of one kind, built from the raw rows."""
    if kind == "follow_up":
        return [build.follow_up(_rows("mt-bench_extended"))]
    docs = build.documents(_rows("documents"))
    if kind == "recollection":
        queries = _rows("global_inst")
        return [build.recollection_labels(docs), build.recollection_instructions(queries)]
    sessions = _rows("refinement_multi_inst")
    if kind == "expansion":
        return [build.expansion(sessions, docs)]
    return [build.refinement(sessions, _rows("refinement_single_inst"), docs)]


def _rows(name: str) -> list[Any]:
    path = data.path(f"mt_eval/{name}.jsonl")
    rows: list[Any] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if line.strip():
            try:
                rows.append(msgspec.json.decode(line))
            except msgspec.DecodeError as error:
                raise TaskError(
                    f"{path}:{number}: not JSON ({error}); expected one JSON value a line"
                ) from None
    return rows
