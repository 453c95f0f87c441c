"""What the engine costs: CPU a turn with a model of no latency, all stored, beside peers and the floor.

Also that memory is bounded: finished episodes leave it.
"""

from __future__ import annotations

import sys
from typing import Any

from common import child, median, peer, repeat, save

EPISODES, TURNS, CONCURRENCY = 2000, 10, 200


def main() -> None:
    """Measure all in turn, five times."""
    size = (EPISODES, TURNS, CONCURRENCY, 0)
    small = (EPISODES // 4, TURNS, CONCURRENCY, 0)
    rows = repeat(
        5,
        {
            "asyncio": lambda: child(sys.executable, "engine_asyncio.py", *size),
            "turnwise, stored": lambda: child(sys.executable, "engine_turnwise.py", *size),
            "turnwise, stored, 5 times the episodes": lambda: child(
                sys.executable, "engine_turnwise.py", EPISODES * 5, TURNS, CONCURRENCY, 0
            ),
            "verifiers 0.1.14": lambda: child(peer("verifiers0"), "engine_verifiers.py", *size, "nosave"),
            "verifiers 0.1.14, stored": lambda: child(
                peer("verifiers0"), "engine_verifiers.py", *small, "save"
            ),
            "inspect 0.3.285": lambda: child(peer("inspect"), "engine_inspect.py", *small, "nolog"),
            "inspect 0.3.285, stored": lambda: child(peer("inspect"), "engine_inspect.py", *small, "log"),
        },
    )
    figures = {name: median(found, "cpu_us_per_turn") for name, found in rows.items()}
    memory = {name: median(found, "peak_mb") for name, found in rows.items()}
    ours = figures["turnwise, stored"]
    peers = {name: value for name, value in figures.items() if name.startswith(("verifiers", "inspect"))}
    result: dict[str, Any] = {
        "cpu_us_per_turn": figures,
        "peak_mb": memory,
        "times_less_than": {name: value / ours for name, value in peers.items()},
        "rows": rows,
    }
    save("overhead", result)


if __name__ == "__main__":
    main()
