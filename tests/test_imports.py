"""Arrows of import point one way, and importing the package costs next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import turnwise

ROOT = Path(turnwise.__file__).parent
RANK = {
    "core": 0,
    "store": 1,
    "context": 1,
    "tools": 1,
    "models": 1,
    "environments": 2,
    "agents": 2,
    "judges": 3,
    "metrics": 3,
    "engine": 4,
    "learn": 5,
    "synth": 5,
    "redteam": 5,
    "serving": 5,
    "api": 6,
    "cli": 6,
    "view": 6,
}
"""A room may import from itself and from rooms of a lower rank."""
ALSO = {
    ("environments", "agents"),
    ("engine", "judges"),
    ("engine", "metrics"),
    ("environments", "judges"),
    ("environments", "metrics"),
    ("cli", "view"),
}
"""Environments end in verdicts and metrics: they may use the rooms that make them; commands draw."""


def room(module: str) -> str:
    """The room of `turnwise.<…>`."""
    words = module.split(".")
    if len(words) == 1:
        return "api"
    if words[1] == "__main__":
        return "cli"
    if words[1] in RANK:
        return words[1]
    return words[1] if (ROOT / words[1]).is_dir() else "core"


def imports(path: Path) -> set[str]:
    """All modules of the project that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "turnwise":
                found |= {f"turnwise.{name.name}" for name in node.names}
            else:
                found.add(node.module)
    return {name for name in found if name.split(".")[0] == "turnwise"}


FILES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py" or path.parent != ROOT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_one_way(path: Path) -> None:
    here = room(".".join(("turnwise", *path.relative_to(ROOT).with_suffix("").parts)))
    for module in imports(path):
        there = room(module)
        allowed = here == there or RANK[there] < RANK[here] or (here, there) in ALSO
        assert allowed, f"{here} must not import {module} ({there})"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, turnwise, turnwise.cli.main\n"
        "heavy = {'numpy', 'sqlalchemy', 'openai', 'rich', 'pandas', 'torch', 'transformers', 'matplotlib'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_short_names_are_there() -> None:
    for name in turnwise.__all__:
        assert getattr(turnwise, name) is not None
    assert set(turnwise.__all__) <= set(dir(turnwise))
