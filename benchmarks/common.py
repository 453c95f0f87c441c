"""What the benchmarks share: one small world, a meter, and results that say where they come from.

Each measurement runs in a process of its own (`child`), so that nothing it left behind is in the next one.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
REPLY = "My move is 7."


class World:
    """An exchange of short texts, `turns` long; pure Python and next to nothing."""

    def __init__(self, seed: int, turns: int) -> None:
        self.seed = seed
        self.turns = turns
        self.turn = 0

    def first(self) -> str:
        """What is said first."""
        return f"Game {self.seed}, turn 1 of {self.turns}. Say your move."

    def step(self, said: str) -> tuple[str, bool]:
        """What is said to a move, and whether it was the last."""
        self.turn += 1
        value = (self.seed * 37 + self.turn * len(said)) % 101
        return f"The board stands at {value}. Turn {self.turn + 1} of {self.turns}.", self.turn >= self.turns


class Meter:
    """Wall time, CPU time and memory of a `with` block."""

    def __enter__(self) -> Meter:
        self._cpu, self._wall = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self._wall
        self.cpu = _cpu() - self._cpu

    def row(self, turns: int, **more: Any) -> dict[str, Any]:
        """The result of a block that made so many turns."""
        return {"wall_s": self.wall, "cpu_s": self.cpu, "cpu_us_per_turn": self.cpu / turns * 1e6, **more}


def _cpu() -> float:
    """Seconds of CPU that this process and its children took so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak_mb() -> float:
    """The most memory the process has held."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def report(row: dict[str, Any]) -> None:
    """Give a child's result to its parent."""
    print("ROW " + json.dumps(row), flush=True)


def child(python: str | Path, script: str, *words: object, cwd: Path | None = None) -> dict[str, Any] | None:
    """Run `script` with `words` in a process of its own; None where that Python is not there or it fails."""
    if not Path(python).exists():
        return None
    command = [str(python), str(HERE / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd or HERE, check=False, timeout=900)
    rows = [line for line in done.stdout.splitlines() if line.startswith("ROW ")]
    if not rows:
        print(f"{script} {words} under {python}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return json.loads(rows[-1][4:])


def peer(name: str) -> Path:
    """The Python of a peer's environment, below the folder `TURNWISE_PEERS` (see README.md)."""
    return Path(os.environ.get("TURNWISE_PEERS", "peers")) / name / "bin" / "python"


def median(rows: list[dict[str, Any]], key: str) -> float:
    """The median of one figure over repetitions."""
    return statistics.median(row[key] for row in rows)


def repeat(
    times: int, measures: dict[str, Callable[[], dict[str, Any] | None]]
) -> dict[str, list[dict[str, Any]]]:
    """Measure all things in turn, several times over, so that a slow moment of the machine falls on all."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in measures}
    for _ in range(times):
        for name, measure in measures.items():
            row = measure()
            if row is not None:
                rows[name].append(row)
    return {name: found for name, found in rows.items() if found}


def save(name: str, result: dict[str, Any]) -> None:
    """Write a result beside what it was measured on."""
    RESULTS.mkdir(exist_ok=True)
    machine = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
        "turnwise": _version("turnwise"),
    }
    text = json.dumps({"machine": machine, **result}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
