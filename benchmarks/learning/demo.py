"""Does the demo show a gain? `turnwise demo` with ten seeds, each as a person would run it.

    python benchmarks/learning/demo.py                 the seeds that are not in the results yet
    python benchmarks/learning/demo.py --seeds 3 4

A seed at a time, in a process and a folder of its own, and kept at once in `results/demo.json`: the success
before and after on the same unseen games, the paired gain with its 95 % interval, and the time by the clock
and by the processor. Results of other weights than those that ship are thrown away.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from common import RESULTS
from turnwise.learn.demo import POLICY, STEPS
from turnwise.models.tiny.folder import find, read

SEEDS = range(10)


def one(seed: int, *more: str) -> dict[str, Any]:
    """The demo with one seed, in a new process and an empty folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "turnwise", "demo", "--seed", str(seed), "--json", "--quiet", *more]
    environment = {name: value for name, value in os.environ.items() if name != "TURNWISE_STORE"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
        )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = json.loads(done.stdout.splitlines()[-1])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    rounded = {key: round(said[key], 4) for key in ("before", "after")}
    return {
        "seed": seed,
        **rounded,
        "gain": {key: round(value, 4) for key, value in said["gain"].items()},
        "p": said["p"],
        "games": said["tasks"],
        "seconds": round(said["seconds"], 1),
        "cpu_seconds": round(cpu, 1),
    }


def summed(version: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """All that is kept."""
    found = sorted(found, key=lambda run: run["seed"])
    return {
        "policy": {"name": POLICY, "version": version},
        "steps": STEPS,
        "seeds": len(found),
        "intervals_above_zero": sum(run["gain"]["low"] > 0 for run in found),
        "runs": found,
    }


def main() -> None:
    """Run what is asked for and not there yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--result", type=Path, default=RESULTS / "demo.json")
    given = parser.parse_args()
    version = read(find(POLICY)).version
    kept = json.loads(given.result.read_text()) if given.result.exists() else {}
    current = kept.get("policy", {}).get("version") == version and kept["steps"] == STEPS
    found: list[dict[str, Any]] = kept["runs"] if current else []
    for seed in given.seeds:
        if seed not in {run["seed"] for run in found}:
            found.append(run := one(seed))
            given.result.write_text(json.dumps(summed(version, found), indent=1) + "\n")
            print(run, flush=True)


if __name__ == "__main__":
    main()
