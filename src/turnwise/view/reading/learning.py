"""The numbers of a training, step by step: losses, entropies, from the log in its folder if that is here."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, cast

from turnwise.engine.results import Run
from turnwise.learn.journal import numbers, read_log
from turnwise.view.server import shapes as s

_MOST = 1_000
"""Points of a series; of more, evenly spread ones."""


def series(run: Run) -> list[s.Series]:
    """Each number of a training's log; none where its folder is not on this machine."""
    config = cast("dict[str, Any]", run.row.provenance.get("train") or {})
    folder = Path(str(config.get("folder") or f"turnwise-train/{run.id}"))
    found: dict[str, tuple[list[int], list[float | None]]] = defaultdict(lambda: ([], []))
    try:
        lines = read_log(folder)
    except OSError:
        return []
    for line in lines:
        for name, value in numbers(line).items():
            steps, values = found[name]
            steps.append(line["step"])
            values.append(value)
    return [
        s.Series(name=name, steps=_spread(steps), values=_spread(values))
        for name, (steps, values) in sorted(found.items())
    ]


def _spread(values: list[Any]) -> list[Any]:
    return values[:: -(-len(values) // _MOST)] if values else values
