"""Lists the published tasks, which are Python. This file is run in the sandbox, and nowhere else.

On standard input it is given the files, a JSON object of texts by path; on standard output it says in JSON
which tasks they make, and what tables their tools read. What they import of the harness around them is not
there; what stands in for it keeps what it is given.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

ROOT = "published"
TABLES = {"places": "LOC", "flights": "flights", "hotels": "hotels"}
"""How the module of trips calls what its tools read."""


class Task:
    """What a published task says of itself."""

    def __init__(
        self,
        name: str,
        tools: Any,
        instruction: str,
        expected_output: Any,
        is_single_tool_task: bool = True,
    ) -> None:
        names: Any = tools() if callable(tools) else tools
        self.said: dict[str, Any] = {
            "name": name,
            "instruction": instruction,
            "expected": repr(expected_output),
            "tools": list(names),
            "single": bool(is_single_tool_task),
        }


def main() -> None:
    """List what is on standard input."""
    files = json.load(sys.stdin)
    for path, text in files["texts"].items():
        place = os.path.join(ROOT, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "w", encoding="utf-8") as file:
            file.write(text)
    registered: list[Any] = []
    stand_in = ModuleType(f"{ROOT}.base")

    def register(tasks: list[Any], _: int) -> None:
        registered.extend(tasks)

    stand_in.__dict__.update(Task=Task, ToolType=SimpleNamespace, register_task_iterator=register)
    sys.modules[stand_in.__name__] = stand_in
    families: dict[str, Any] = {}
    for family in files["families"]:
        registered.clear()
        with contextlib.redirect_stdout(io.StringIO()):
            module = importlib.import_module(f"{ROOT}.impl.{family}")
        tables = {name: module.__dict__[its] for name, its in TABLES.items() if its in module.__dict__}
        families[family] = {"tasks": [task.said for task in registered], "tables": tables}
    print(json.dumps(families))


if __name__ == "__main__":
    main()
