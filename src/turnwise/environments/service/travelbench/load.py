"""Reads TravelBench's published rows (CC BY-NC 4.0, github.com/small-xiangcheng/TravelBench) and tool cache.

In `TURNWISE_DATA/travelbench/`: `single_turn.jsonl` (500 rows), `multi_turn.jsonl` (500), `unsolve.jsonl`
(100), and, where it was unpacked there, the folder `sandbox_cache` with a file `TOOL_cache.json` a tool.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from turnwise import data
from turnwise.environments.service.travelbench.rows import REASONS, Form, Reason, TravelTask
from turnwise.errors import ConfigError, TaskError
from turnwise.tools.cached import CallCache
from turnwise.wire import Record

FILES: dict[Form, str] = {
    "single": "travelbench/single_turn.jsonl",
    "multi": "travelbench/multi_turn.jsonl",
    "unsolvable": "travelbench/unsolve.jsonl",
}


class _Row(Record, frozen=True, kw_only=True):
    trace_id: str
    query: str
    time: str
    primary_intent: str = ""
    context: str = ""
    intent: str = ""
    user_profile: str = ""
    missing_info: bool = False
    missing_tool: bool = False
    no_actionable: bool = False
    avg_tool_calls: float | None = None


def tasks(form: Form) -> tuple[TravelTask, ...]:
    """The published rows of a subtask, in the file's order.

    Raises:
        ConfigError: the file is not there.
        TaskError: naming the line that cannot be read.
    """
    return _tasks(data.path(FILES[form]))


@lru_cache(maxsize=8)
def _tasks(path: Path) -> tuple[TravelTask, ...]:
    lines = path.read_bytes().splitlines()
    return tuple(
        _task(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()
    )


def _task(line: bytes, where: str) -> TravelTask:
    try:
        row = msgspec.json.decode(line, type=_Row)
    except msgspec.MsgspecError as error:
        raise TaskError(f"{where}: no row of TravelBench: {error}") from None
    reasons: list[Reason] = [reason for reason in REASONS if getattr(row, reason)]
    if len(reasons) > 1:
        raise TaskError(f"{where}: expected one reason at most, got {', '.join(reasons)}")
    return TravelTask(
        id=row.trace_id,
        query=row.query,
        time=row.time,
        context=row.context,
        intent=row.intent,
        label=row.primary_intent,
        profile=row.user_profile,
        reason=reasons[0] if reasons else None,
        average_calls=row.avg_tool_calls,
    )


def cache(folder: str | None) -> CallCache:
    """The tool cache in a folder; the published one, where none is named and it is there; else nothing.

    Raises:
        ConfigError: the folder that is named holds none, or it cannot be read.
    """
    if folder is not None:
        return _cache(folder)
    try:
        published = data.path("travelbench/sandbox_cache/map_search_places_cache.json").parent
    except ConfigError:
        return _NONE
    return _cache(str(published))


_NONE = CallCache()


@lru_cache(maxsize=4)
def _cache(folder: str) -> CallCache:
    return CallCache.read(folder)
