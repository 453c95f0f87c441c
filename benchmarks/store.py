"""Large stores: how soon a stopped run finds its place, and how soon `show` and `ls` answer."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import turnwise
from common import save

TURNWISE = Path(sys.executable).with_name("turnwise")


def fill(store: Path, episodes: int) -> str:
    """A run of the smallest environment, as large as wanted."""
    run = turnwise.run("number_guess", "solver", store=store, epochs=episodes // 100)
    assert run.summary()["episodes"] == episodes
    return run.id


def seconds(*words: str) -> float:
    """Wall time of a command, in a fresh process."""
    start = time.perf_counter()
    subprocess.run([str(TURNWISE), *words], check=True, capture_output=True)
    return time.perf_counter() - start


def resumed(store: Path, run: str, episodes: int) -> float:
    """Reopen the last episode of a run, and time a resume of it in a fresh process, to its very end."""
    opened = turnwise.Store(store)
    row = opened.run(run)
    log = opened.read(row.number, episodes - 1)
    opened.plant(row.number, episodes - 1, log)
    opened.release(row.number, "stopped")
    opened.close()
    return seconds("resume", run, "--store", str(store), "-q")


def main() -> None:
    """Measure each three times, and give the median."""
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.db"
        run = fill(small, 10_000)
        result["resume_10000_s"] = sorted(resumed(small, run, 10_000) for _ in range(3))[1]
        large = Path(folder) / "large.db"
        run = fill(large, 100_000)
        result["store_mb"] = large.stat().st_size / 1e6
        for name, words in {
            "show_100000_s": ("show", run, "--store", str(large)),
            "ls_100000_s": ("ls", "--store", str(large)),
            "show_episode_s": ("show", f"{run}/99999", "--store", str(large)),
            "help_s": ("--help",),
        }.items():
            result[name] = sorted(seconds(*words) for _ in range(3))[1]
    save("store", result)


if __name__ == "__main__":
    main()
