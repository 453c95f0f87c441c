"""Reads M3ToolEval's published tasks (github.com/xingyaoww/code-act, MIT).

In `TURNWISE_DATA/m3tooleval/` lies what the official folder `scripts/eval/m3tooleval/tasks` holds. The tasks
are Python: instructions and answers are worked out when a module of them is imported. So they are listed in
the sandbox (`listing.py`), once a process, and only what it says is read here, as literals. The tools are
ours (`published.py`).
"""

from __future__ import annotations

import ast
import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from turnwise import data
from turnwise.environments.m3tooleval.published import FAMILIES
from turnwise.environments.m3tooleval.rows import ToolTask
from turnwise.errors import TaskError
from turnwise.tools.sandbox import Execution, SandboxLimits, run_program

_FOLDER = "m3tooleval"
_PAGES = "impl/web_browsing/web_pages.jsonl"
_FILES = (
    "impl/message_decoder.py",
    "impl/dna_sequencer.py",
    "impl/trade_calculator.py",
    "impl/travel_itinerary_planning.py",
    "impl/web_browsing/__init__.py",
    "impl/web_browsing/metadata.json",
    _PAGES,
)
_LISTING = Path(__file__).with_name("listing.py")
_LIMITS = SandboxLimits(output_chars=2_000_000)
_LONGEST = 10_000
"""Characters of an answer."""


class _Listed(msgspec.Struct, frozen=True):
    name: str
    instruction: str
    expected: str
    tools: list[str]
    single: bool


class _Family(msgspec.Struct, frozen=True):
    tasks: list[_Listed]
    tables: dict[str, list[Any]]


class _Page(msgspec.Struct, frozen=True):
    name: str
    content: str


def tasks() -> tuple[ToolTask, ...]:
    """The published tasks, family by family.

    Raises:
        ConfigError: a file is not there.
        TaskError: the files cannot be read as what was published.
        SandboxError: there is no sandbox to list them in.
    """
    return _tasks(data.path(f"{_FOLDER}/{_FILES[0]}").parents[1])


@lru_cache(maxsize=4)
def _tasks(folder: Path) -> tuple[ToolTask, ...]:
    texts = {name: data.path(f"{_FOLDER}/{name}").read_text(encoding="utf-8") for name in _FILES}
    listed = _listed(texts, folder)
    try:
        pages = [msgspec.json.decode(line, type=_Page) for line in texts[_PAGES].splitlines() if line.strip()]
    except msgspec.MsgspecError as error:
        raise TaskError(f"{folder / _PAGES}: expected a name and a content in each line: {error}") from None
    worlds: dict[str, dict[str, Any]] = {
        "travel_itinerary_planning": dict(listed["travel_itinerary_planning"].tables),
        "web_browsing": {"pages": {page.name: page.content for page in pages}},
    }
    return tuple(
        _task(one, family, worlds.get(family, {})) for family, made in listed.items() for one in made.tasks
    )


def _listed(texts: dict[str, str], folder: Path) -> dict[str, _Family]:
    """What the files say, from within the sandbox."""
    given = msgspec.json.encode({"texts": texts, "families": list(FAMILIES)}).decode()
    program = _LISTING.read_text(encoding="utf-8")

    def run() -> Execution:
        return asyncio.run(run_program(program, given, limits=_LIMITS))

    # Tasks are asked for with and without a running loop.
    with ThreadPoolExecutor(1) as thread:
        execution = thread.submit(run).result()
    if execution.error is not None:
        raise TaskError(f"{folder}: these are not the published tasks: {execution.error.splitlines()[-1]}")
    try:
        return msgspec.json.decode(execution.output, type=dict[str, _Family])
    except msgspec.MsgspecError as error:
        raise TaskError(f"{folder}: these are not the published tasks: {error}") from None


def _task(listed: _Listed, family: str, world: dict[str, Any]) -> ToolTask:
    try:
        expected = ast.literal_eval(listed.expected[:_LONGEST])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise TaskError(f"m3tooleval: {listed.name}: the answer is no literal") from None
    made = FAMILIES[family](**world)
    if listed.single or sorted(listed.tools) != sorted(tool.spec.name for tool in made.tools()):
        raise TaskError(f"m3tooleval: {listed.name}: these are not the tools of {family}")
    return ToolTask(
        id=listed.name,
        family=family,
        instruction=listed.instruction,
        expected=expected,
        literal="" if _same_in_json(expected) else listed.expected,
        world=world,
    )


def _same_in_json(value: Any) -> bool:
    return repr(msgspec.json.decode(msgspec.json.encode(value))) == repr(value)
