"""Whether a turn costs the same in short and long episodes, beside the peers; and what a fork costs."""

from __future__ import annotations

import sys
from typing import Any

from common import child, median, peer, repeat, save

LENGTHS = (10, 40, 160)


def main() -> None:
    """The same number of turns in episodes of three lengths."""
    measures: dict[str, Any] = {}
    for length in LENGTHS:
        many, few = 20_000 // length, 4_000 // length
        measures[f"turnwise {length}"] = lambda n=many, t=length: child(
            sys.executable, "engine_turnwise.py", n, t, 50, 0
        )
        measures[f"verifiers {length}"] = lambda n=few, t=length: child(
            peer("verifiers0"), "engine_verifiers.py", n, t, 50, 0, "nosave"
        )
        measures[f"inspect {length}"] = lambda n=few, t=length: child(
            peer("inspect"), "engine_inspect.py", n, t, 50, 0, "nolog"
        )
    measures["fork"] = lambda: child(sys.executable, "fork.py")
    rows = repeat(3, measures)
    figures = {name: median(found, "cpu_us_per_turn") for name, found in rows.items() if name != "fork"}
    growth = {
        name: figures[f"{name} {LENGTHS[-1]}"] / figures[f"{name} {LENGTHS[0]}"]
        for name in ("turnwise", "verifiers", "inspect")
        if f"{name} {LENGTHS[-1]}" in figures and f"{name} {LENGTHS[0]}" in figures
    }
    fork_ms = median(rows["fork"], "fork_ms")
    save("turns", {"cpu_us_per_turn": figures, "growth_10_to_160": growth, "fork_ms": fork_ms, "rows": rows})


if __name__ == "__main__":
    main()
