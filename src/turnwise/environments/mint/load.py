"""Reads MINT's files (Apache-2.0, github.com/xingyaoww/mint-bench) and builds the task set asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from turnwise import data
from turnwise.environments.mint.build import build
from turnwise.environments.mint.rows import CODE, REASONING, SOURCES, MintTask, Source, Subset
from turnwise.environments.mint.sample import sample
from turnwise.errors import TaskError

_SOURCES: dict[Subset, tuple[Source, ...]] = {
    **{source: (source,) for source in SOURCES},
    "reasoning": REASONING,
    "code": CODE,
    "all": SOURCES,
}


def load(subset: Subset) -> list[MintTask]:
    """The tasks of a subset, in the files' order.

    Raises:
        ConfigError: where the files are not there.
        TaskError: naming the file, the line and the field that does not fit.
    """
    if subset == "sample":
        return sample()
    return [task for source in _SOURCES[subset] for task in read(data.path(f"mint/{source}.jsonl"), source)]


def read(path: Path, source: Source) -> list[MintTask]:
    """The tasks in one file of a source."""
    tasks: list[MintTask] = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
            tasks.append(build(source, row))
        except msgspec.DecodeError as error:
            raise TaskError(f"{path}:{number}: {error}; expected one JSON object a line") from None
        except KeyError as error:
            raise TaskError(f"{path}:{number}: the field {error} is missing") from None
    return tasks
