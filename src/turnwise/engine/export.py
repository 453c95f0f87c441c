"""Runs as files: JSON Lines of whole logs, Parquet rows, and the folder layout of Hugging Face `datasets`.

A row has the episode in short, and its turns as chat messages of the first role (`messages`), which is what
trainers and notebooks read; `log` holds the whole as JSON.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from turnwise import wire
from turnwise.engine.results import Run
from turnwise.errors import ConfigError
from turnwise.log import EpisodeLog, as_seen
from turnwise.message import Message

_GROUP = 1000
_CARD = (
    "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: data/train-*\n---\n"
)
"""How the card of an exported folder begins."""


def jsonl(run: Run, to: Path) -> int:
    """Write one `EpisodeLog` a line, read back by `EpisodeLog.from_json`; gives how many."""
    count = 0
    with _whole(to) as partial, partial.open("wb") as file:
        for log in run.logs():
            file.write(log.to_json() + b"\n")
            count += 1
    return count


def parquet(run: Run, to: Path) -> int:
    """Write one row an episode; gives how many.

    Raises:
        ConfigError: pyarrow is not installed, or the file cannot be written.
    """
    try:
        pa: Any = importlib.import_module("pyarrow")
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigError("Parquet needs pyarrow: install turnwise[data]") from None
    schema = _schema(pa)
    rows = _rows(run)
    count = 0
    with _whole(to) as partial, pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        while group := list(islice(rows, _GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def datasets(run: Run, to: Path) -> int:
    """Write a folder that `datasets.load_dataset(folder)` reads: a card and `data/train-*.parquet`.

    Raises:
        ConfigError: it holds something else than an earlier export, or cannot be written.
    """
    card = to / "README.md"
    try:
        if to.is_dir() and any(to.iterdir()) and not (card.is_file() and card.read_text().startswith(_CARD)):
            raise ConfigError(f"cannot write {to}: it holds other files; expected a new or an empty folder")
        (to / "data").mkdir(parents=True, exist_ok=True)
        count = parquet(run, to / "data" / "train-00000-of-00001.parquet")
        what = f"{count} episodes of `{run.row.environment}`, exported by Turnwise."
        card.write_text(f"{_CARD}# {run.id}\n\n{what}\n")
    except OSError as error:
        raise ConfigError(f"cannot write {to}: {error.strerror or error}") from None
    return count


@contextmanager
def _whole(to: Path) -> Generator[Path]:
    """A file that is there only when it is complete; a pipe or a device is written as it comes."""
    if to.is_dir():
        raise ConfigError(f"cannot write {to}: it is a folder; expected a file")
    stream = to.exists() and not to.is_file()
    # A link stays one: what it points at is replaced.
    whole = to if stream else to.resolve()
    partial = to if stream else whole.with_name(f".{whole.name}.{os.getpid()}.partial")
    try:
        yield partial
        if not stream:
            partial.replace(whole)
    except OSError as error:
        raise ConfigError(f"cannot write {to}: {error.strerror or error}") from None
    finally:
        if not stream:
            partial.unlink(missing_ok=True)


def _rows(run: Run) -> Generator[dict[str, Any]]:
    for episode, log in zip(run.episodes(), run.logs(), strict=True):
        yield {
            "run": run.id,
            "environment": log.environment,
            "agents": wire.encode(log.agents).decode(),
            "task": wire.encode(log.task).decode(),
            "messages": [_plain(message) for message in conversation(log)],
            "metrics": wire.encode(log.metrics).decode(),
            "log": log.to_json().decode(),
            **{
                name: getattr(episode, name)
                for name in ("number", "epoch", "seed", "stop", "detail", "score", "turns", "cost", "seconds")
            },
            "task_id": episode.task,
        }


def conversation(log: EpisodeLog, role: str | None = None) -> list[Message]:
    """What a role (the first by default) said and was told, as chat messages."""
    who = role or log.roles[0]
    alone = len(log.roles) == 1
    return [
        as_seen(turn, who) for turn in log.turns if alone or turn.role == who or who in turn.to or not turn.to
    ]


def _plain(message: Message) -> dict[str, Any]:
    return {
        "role": message.role,
        "content": message.text,
        "name": message.name,
        "tool_call_id": message.tool_call_id,
        "tool_calls": [msgspec.to_builtins(call) for call in message.tool_calls],
    }


def _schema(pa: Any) -> Any:
    text, number = pa.string(), pa.float64()
    call = pa.struct([("id", text), ("name", text), ("arguments", text)])
    message = pa.struct(
        [
            ("role", text),
            ("content", text),
            ("name", text),
            ("tool_call_id", text),
            ("tool_calls", pa.list_(call)),
        ]
    )
    return pa.schema(
        [
            *(("run", text), ("number", pa.int64()), ("environment", text), ("agents", text)),
            *(("task_id", text), ("task", text), ("epoch", pa.int64()), ("seed", pa.int64())),
            *(("stop", text), ("detail", text), ("score", number), ("turns", pa.int64())),
            *(("cost", number), ("seconds", number), ("messages", pa.list_(message))),
            *(("metrics", text), ("log", text)),
        ]
    )
